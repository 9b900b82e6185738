/** Appends that wait for their group commit; bounded by count and by bytes. */
import type { SealedDraft } from "./_chain.ts";
import type { JournalError } from "./errors.ts";
import type { JournalEvent } from "./event.ts";

/** One waiting append. */
export interface Waiting extends SealedDraft {
  /** Most bytes that its line can have. */
  readonly lineBytes: number;
  resolve(event: JournalEvent): void;
  reject(error: JournalError): void;
}

/** A first-in, first-out queue that refuses what does not fit. */
export class AppendQueue {
  readonly #waiting: Waiting[] = [];
  readonly #limits: { readonly countMax: number; readonly bytesMax: number };
  #bytes = 0;

  constructor(limits: { readonly countMax: number; readonly bytesMax: number }) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#waiting.length;
  }

  /** Adds an append; false when it does not fit. */
  tryPush(append: Waiting): boolean {
    if (this.#waiting.length >= this.#limits.countMax) return false;
    if (this.#bytes + append.lineBytes > this.#limits.bytesMax) return false;
    this.#waiting.push(append);
    this.#bytes += append.lineBytes;
    return true;
  }

  /** Takes the oldest appends, at least one if there is any, up to `bytesMax` of lines. */
  take(bytesMax: number): Waiting[] {
    let [count, bytes] = [0, 0];
    for (const { lineBytes } of this.#waiting) {
      if (count > 0 && bytes + lineBytes > bytesMax) break;
      count++;
      bytes += lineBytes;
    }
    this.#bytes -= bytes;
    return this.#waiting.splice(0, count);
  }
}
