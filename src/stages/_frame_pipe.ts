/**
 * Sends frames on a stream as fast as it takes them: what does not fit waits here, in order.
 *
 * What may wait is bounded by who sends: rows and results by their session's credit, which is given
 * back when they are on their way; the rest is small and answers something.
 */
import type { MeshStream } from "../ports/mod.ts";

interface Waiting {
  readonly frame: Uint8Array;
  readonly onSent: (() => void) | undefined;
}

/** Frames on their way out. */
export class FramePipe {
  readonly #stream: MeshStream;
  readonly #waiting: Waiting[] = [];
  #isBlocked = false;

  constructor(stream: MeshStream) {
    this.#stream = stream;
  }

  /** Sends now or later; after the stream has ended, never. `onSent` is called once it is sent. */
  send(frame: Uint8Array, onSent?: () => void): void {
    if (this.#isBlocked) this.#waiting.push({ frame, onSent });
    else this.#send({ frame, onSent });
  }

  #send({ frame, onSent }: Waiting): void {
    try {
      const hasRoom = this.#stream.send(frame);
      onSent?.();
      if (hasRoom) return;
    } catch {
      // Whoever reads the stream learns that it has ended.
      this.#waiting.length = 0;
      return;
    }
    this.#isBlocked = true;
    this.#stream.drained().then(() => this.#goOn(), () => this.#waiting.length = 0);
  }

  #goOn(): void {
    this.#isBlocked = false;
    while (!this.#isBlocked) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#send(next);
    }
  }
}
