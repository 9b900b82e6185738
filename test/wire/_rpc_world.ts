/** A door with a few methods, and frames by hand. */
import type { Duplex } from "node:stream";
import type { Network } from "../../src/ports/mod.ts";
import { MemoryNetwork, VirtualClock } from "../../src/sim/mod.ts";
import { encodeTextFrame, frameDecoder, listen, rpcOverHttp } from "../../src/wire/mod.ts";
import type {
  ListenOptions,
  MessageDecoder,
  RpcContext,
  RpcRunner,
  RpcServer,
} from "../../src/wire/mod.ts";

/** Where the door is. */
export const path = "/run/rpc.sock";

/** What tests do with a door. */
export interface Door {
  readonly network: Network;
  readonly clock: VirtualClock;
  readonly server: RpcServer;
  /** Aborted calls. */
  readonly cancelled: unknown[];
  /** Lets the calls of "hold" end. */
  release(): void;
  /** Calls of "hold" that run. */
  held(): number;
}

/** Opens a door. */
export async function openDoor(options: Partial<ListenOptions> = {}): Promise<Door> {
  const network = options.network ?? new MemoryNetwork();
  const clock = new VirtualClock();
  const cancelled: unknown[] = [];
  const holding = new Set<() => void>();
  async function hold({ signal }: RpcContext): Promise<unknown> {
    await new Promise<void>((resolve) => {
      holding.add(resolve);
      signal.addEventListener("abort", () => resolve(), { once: true });
    });
    if (signal.aborted) cancelled.push(signal.reason);
    return "held";
  }
  const run: RpcRunner = async ({ method, params }, context) => {
    if (method === "echo") return { result: params };
    if (method === "hold") return { result: await hold(context) };
    if (method === "large") return { result: "x".repeat(Reflect.get(Object(params), "size")) };
    if (method === "count") {
      return await count(Reflect.get(Object(params), "to"), context).catch(() => ({
        error: { code: -32002, message: "Cancelled" },
      }));
    }
    return { error: { code: -32601, message: "Method not found" } };
  };
  const server = await listen({
    ...{ network, clock, run, address: { kind: "unix", path } },
    handler: rpcOverHttp({ service: "s", version: "1", run }),
    ...options,
  });
  return {
    ...{ network, clock, server, cancelled },
    release: () => [...holding].forEach((end) => (holding.delete(end), end())),
    held: () => holding.size,
  };
}

async function count(to: number, { signal, emit }: RpcContext): ReturnType<RpcRunner> {
  if (emit === undefined) return { error: { code: -32601, message: "It is a stream" } };
  for (let i = 1; i <= to; i++) {
    if (signal.aborted) return { error: { code: -32002, message: "Cancelled" } };
    // The memory network never leaves the microtasks by itself.
    if (i % 8 === 0) await new Promise((resolve) => setImmediate(resolve));
    await emit({ i, pad: "p".repeat(1_000) });
  }
  return { result: { items: to } };
}

/** A connection that speaks frames by hand. */
export class FrameClient {
  readonly stream: Duplex;
  readonly heard: unknown[] = [];
  closed = false;
  readonly #decoder: MessageDecoder<Uint8Array> = frameDecoder({ bytesMax: 8 * 2 ** 20 });

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("error", () => {});
    stream.on("close", () => this.closed = true);
    stream.on("data", (bytes: Uint8Array) => {
      this.#decoder.push(bytes);
      for (let one = this.#decoder.next(); one !== undefined; one = this.#decoder.next()) {
        this.heard.push(JSON.parse(new TextDecoder().decode(one)));
      }
    });
  }

  static async dial(network: Network, at = path): Promise<FrameClient> {
    return new FrameClient(await network.dial({ kind: "unix", path: at }));
  }

  /** Sends a text, or a value as JSON. */
  send(message: unknown): void {
    const text = typeof message === "string" ? message : JSON.stringify(message);
    this.stream.write(encodeTextFrame(text, { bytesMax: 2 ** 27 }));
  }

  /** Waits until `count` answers were heard, or the end. */
  async hear(count: number): Promise<unknown[]> {
    while (this.heard.length < count && !this.closed) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.heard;
  }

  async end(): Promise<unknown[]> {
    return await this.hear(Infinity);
  }
}

/** A request. */
export function request(id: unknown, method: string, params?: unknown): Record<string, unknown> {
  return { jsonrpc: "2.0", id, method, ...(params === undefined ? {} : { params }) };
}
