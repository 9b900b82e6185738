/**
 * TCP over links that are slow to deliver: what arrives at a port goes on to another one after a time,
 * in both directions, in order. It stands between processes of one machine for a distance.
 */
import { createServer, Socket } from "node:net";
import type { Server } from "node:net";

/** Ports that deliver late; `close` ends them. */
export class DelayedPorts {
  readonly #delayMs: number;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<Socket>();

  constructor(delayMs: number) {
    this.#delayMs = delayMs;
  }

  /** A multiaddress of this machine whose port leads to the one of `address`, late. */
  async before(address: string): Promise<string> {
    const [, port = ""] = /\/tcp\/(\d+)/.exec(address) ?? [];
    const server = createServer((near) => this.#join(near, Number(port)));
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const bound = server.address();
    if (bound === null || typeof bound === "string") throw new TypeError("The port has no number");
    return address.replace(`/tcp/${port}`, `/tcp/${bound.port}`);
  }

  close(): void {
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(near: Socket, port: number): void {
    const far = new Socket();
    far.connect(port, "127.0.0.1");
    this.#pass(near, far);
    this.#pass(far, near);
  }

  #pass(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    from.setNoDelay(true);
    const late = (what: () => void): void => void setTimeout(what, this.#delayMs);
    from.on("data", (bytes) => late(() => void to.write(bytes)));
    from.on("end", () => late(() => void to.end()));
    from.on("error", () => late(() => void to.destroy()));
    from.on("close", () => this.#sockets.delete(from));
  }
}
