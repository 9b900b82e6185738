/**
 * Frames that go the way of a pipeline's, and of their sizes, with nothing computed: from the requester
 * over each stage to the last, which answers the requester on the stream that it has opened.
 */
import type { MeshNetwork, MeshStream } from "../../src/ports/mod.ts";

const echoProtocol = "/bench/echo/1";

/** One node's part in echoes. */
export class Echo {
  readonly #mesh: MeshNetwork;
  readonly #streams = new Map<string, MeshStream>();
  #home: MeshStream | undefined;
  #next: string | undefined;
  #frameBytes = 0;
  #onAnswer = (): void => {};

  constructor(mesh: MeshNetwork) {
    this.#mesh = mesh;
    mesh.handle(echoProtocol, (stream) => void this.#serve(stream).catch(() => {}));
  }

  /** Whom frames go to, in how many bytes. */
  async sendTo(next: string | undefined, frameBytes: number): Promise<void> {
    this.#next = next;
    this.#frameBytes = frameBytes;
    if (next !== undefined) await this.#streamTo(next);
  }

  /** Sends `count` frames, each when the one before it has come back; returns the time of it. */
  async run(
    options: {
      readonly first: string;
      readonly last: string;
      readonly frameBytes: number;
      readonly count: number;
    },
  ): Promise<number> {
    const { first, last, frameBytes, count } = options;
    const outward = await this.#streamTo(first);
    const home = await this.#streamTo(last);
    // One byte says where answers are wanted; it has arrived when the first answer comes back.
    home.send(new Uint8Array(1));
    const began = performance.now();
    for (let i = 0; i < count; i++) {
      const answered = new Promise<void>((resolve) => this.#onAnswer = resolve);
      outward.send(new Uint8Array(frameBytes));
      await answered;
    }
    return performance.now() - began;
  }

  async #serve(stream: MeshStream): Promise<void> {
    for await (const frame of stream.frames) {
      if (frame.length === 1) this.#home = stream;
      else await this.#pass();
    }
  }

  async #pass(): Promise<void> {
    const onward = this.#next === undefined ? this.#home : await this.#streamTo(this.#next);
    onward?.send(new Uint8Array(this.#frameBytes));
  }

  async #streamTo(key: string): Promise<MeshStream> {
    const known = this.#streams.get(key);
    if (known !== undefined) return known;
    const stream = await this.#mesh.open(key, echoProtocol);
    this.#streams.set(key, stream);
    void this.#listen(stream).catch(() => {});
    return stream;
  }

  async #listen(stream: MeshStream): Promise<void> {
    for await (const frame of stream.frames) if (frame.length > 1) this.#onAnswer();
  }
}
