/**
 * The network between the nodes of a test: one wire of TCP for each ordered pair, through this process,
 * where it can be cut. "hole" is a link on which nothing arrives any more, and nobody is told; "reset"
 * is one that is refused at once. What was on its way through a hole arrives when it is mended, late.
 */
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";

/** How a wire is cut. */
export type Cut = "hole" | "reset";

/** Two sockets of one connection: of who dialled, and of who is dialled. */
interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** A wire from whoever dials its port to one target. */
export class Wire {
  readonly port: number;
  readonly #server: Server;
  readonly #target: number;
  readonly #pairs = new Set<Pair>();
  /** Dialled while the wire was a hole. */
  readonly #early = new Set<Socket>();
  #cut: Cut | undefined;

  /** Use `Wire.open`. */
  constructor(server: Server, place: { readonly port: number; readonly target: number }) {
    this.#server = server;
    this.port = place.port;
    this.#target = place.target;
    server.on("connection", (near: Socket) => this.#accept(near));
  }

  /** Opens a wire to a port of this machine. */
  static async open(target: number): Promise<Wire> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    const port = await listening(server);
    return new Wire(server, { port, target });
  }

  /** Connections that pass now, or wait for the end of a hole. */
  get count(): number {
    return this.#pairs.size + this.#early.size;
  }

  /** Nothing passes from now on. */
  cut(how: Cut): void {
    this.#cut = how;
    for (const { near, far } of [...this.#pairs]) {
      if (how === "hole") { for (const end of [near, far]) end.pause(); }
      else for (const end of [near, far]) end.resetAndDestroy();
    }
  }

  /** Everything passes again. */
  mend(): void {
    this.#cut = undefined;
    const early = [...this.#early];
    this.#early.clear();
    for (const near of early) this.#join(near);
    for (const { near, far } of [...this.#pairs]) {
      // Who went away meanwhile is missed now.
      if (near.destroyed || far.destroyed) {
        for (const end of [near, far]) end.resetAndDestroy();
      } else for (const end of [near, far]) end.resume();
    }
  }

  /** Ends it and all that passes. */
  close(): void {
    this.#server.close();
    for (const near of this.#early) near.destroy();
    for (const { near, far } of this.#pairs) for (const end of [near, far]) end.destroy();
  }

  #accept(near: Socket): void {
    near.on("error", () => {});
    if (this.#cut === "reset") near.resetAndDestroy();
    else if (this.#cut === "hole") this.#early.add(near);
    else this.#join(near);
  }

  #join(near: Socket): void {
    const far = connect({ host: "127.0.0.1", port: this.#target, allowHalfOpen: true });
    const pair: Pair = { near, far };
    this.#pairs.add(pair);
    this.#carry(near, far, pair);
    this.#carry(far, near, pair);
    far.on("connect", () => {
      if (this.#cut === undefined) near.resume();
      else if (this.#cut === "hole") far.pause();
    });
  }

  /** One direction. */
  // tidy: allow positional-parameters as they are from, to, and both
  #carry(from: Socket, to: Socket, pair: Pair): void {
    from.setNoDelay(true);
    from.on("data", (bytes) => {
      if (to.destroyed || to.write(bytes)) return;
      from.pause();
      to.once("drain", () => {
        if (this.#cut !== "hole") from.resume();
      });
    });
    from.on("end", () => to.end());
    from.on("error", () => {});
    from.on("close", () => {
      // Through a hole nobody hears of it.
      if (this.#cut === "hole" && !to.destroyed) return;
      this.#pairs.delete(pair);
      if (!to.destroyed) to.resetAndDestroy();
    });
  }
}

/** A port of this machine that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listening(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
}
