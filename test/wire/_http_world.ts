/** HTTP by hand over a network port: raw requests, and what came back. */
import type { Duplex } from "node:stream";
import type { Address, Network } from "../../src/ports/mod.ts";

/** A connection that notes what it hears. */
export class RawClient {
  readonly stream: Duplex;
  heard = "";
  closed = false;
  readonly #closing: Promise<void>;

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on("data", (chunk: Uint8Array) => this.heard += new TextDecoder().decode(chunk));
    stream.on("error", () => {});
    this.#closing = new Promise((resolve) => {
      const end = (): void => {
        this.closed = true;
        resolve();
      };
      stream.on("end", end);
      stream.on("close", end);
    });
  }

  static async dial(network: Network, address: Address): Promise<RawClient> {
    return new RawClient(await network.dial(address));
  }

  write(text: string | Uint8Array): void {
    this.stream.write(text);
  }

  /** Waits for the other side's end and gives all that was heard. */
  async end(): Promise<string> {
    await this.#closing;
    return this.heard;
  }

  /** Status of the last response that was heard. */
  get status(): number {
    return Number(this.heard.match(/HTTP\/1\.1 (\d+)/g)?.at(-1)?.slice(9) ?? 0);
  }

  /** Waits until something was heard that matches. */
  async until(pattern: RegExp): Promise<string> {
    while (!pattern.test(this.heard) && !this.closed) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return this.heard;
  }

  destroy(): void {
    this.stream.destroy();
  }
}

/** A POST of JSON. */
export function post(
  path: string,
  body: string,
  headers: Record<string, string> = { "Content-Type": "application/json" },
): string {
  const length = new TextEncoder().encode(body).length;
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  return `POST ${path} HTTP/1.1\r\nHost: a\r\n${lines}Content-Length: ${length}\r\n\r\n${body}`;
}

/** A GET. */
export function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;
}

/** Lets pending events and promises happen. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}
