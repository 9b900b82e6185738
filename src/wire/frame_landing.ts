/**
 * Frames of one dialled connection, read where its bytes land: in a scanner's own WebAssembly memory.
 *
 * No byte is copied on the way, but for the beginning of a message that would not fit behind those
 * before it; each is moved once at most. Accepted connections go by frames.ts, since no platform lets
 * theirs land.
 */
import type { FrameScanner, ScanLimits } from "../hot/mod.ts";
import type { Landing } from "../ports/mod.ts";
import { refusal } from "./_scanning_decoder.ts";
import type { WireError } from "./wire_error.ts";

/** Room that one read is given. */
const READ_BYTES_MAX = 65_536;

/** What a landing needs. */
export interface FrameLandingOptions {
  /** For this connection alone; "wasm" or "plain" alike. */
  readonly scanner: FrameScanner;
  /** Bytes of a frame's message: at most 8 MiB. */
  readonly bytesMax: number;
  /** Gets each message's exact bytes; they are its own until it returns. Must not throw. */
  readonly take: (message: Uint8Array) => void;
  /** Told once, when what came is no frame that may be; nothing is taken from then on. */
  readonly onBroken: (error: WireError) => void;
}

/** Where the bytes of a connection that speaks frames land. */
export class FrameLanding implements Landing {
  readonly #options: FrameLandingOptions;
  readonly #limits: ScanLimits;
  /** The first byte that was not taken, and the one behind the last that landed. */
  #start = 0;
  #end = 0;
  /** Bytes from `#start` without which a scan finds nothing. */
  #needed = 1;
  #broken = false;

  /** @throws {RangeError} when a message of `bytesMax` would not fit in the scanner's memory */
  constructor(options: FrameLandingOptions) {
    const { scanner: { input }, bytesMax } = options;
    const most = input.length - READ_BYTES_MAX;
    if (bytesMax > most) {
      throw new RangeError(
        `Cannot read frames in place as 'bytesMax' must be at most ${most}: current value is ${bytesMax}`,
      );
    }
    this.#options = options;
    this.#limits = { bytesMax, utf8: true };
  }

  /** Bytes of a frame that is not whole yet. */
  get pendingBytes(): number {
    return this.#end - this.#start;
  }

  /** See `Landing`. */
  space(): Uint8Array<ArrayBuffer> {
    const { input } = this.#options.scanner;
    if (this.#start === this.#end || this.#broken) {
      this.#start = 0;
      this.#end = 0;
    } else if (input.length - this.#start < this.#needed + READ_BYTES_MAX / 2) {
      input.copyWithin(0, this.#start, this.#end);
      this.#end -= this.#start;
      this.#start = 0;
    }
    return input.subarray(this.#end, this.#end + READ_BYTES_MAX);
  }

  /** See `Landing`. */
  landed(byteCount: number): void {
    if (this.#broken) return;
    this.#end += byteCount;
    if (this.#end - this.#start < this.#needed) return;
    const { scanner, take, onBroken } = this.#options;
    const { input, records } = scanner;
    const data = input.subarray(this.#start, this.#end);
    const count = scanner.scanFrames(data, this.#limits);
    const { status, consumedBytes, neededBytes } = scanner;
    for (let i = 0; i < 2 * count; i += 2) {
      const at = records[i] ?? 0;
      take(data.subarray(at, at + (records[i + 1] ?? 0)));
    }
    this.#start += consumedBytes;
    this.#needed = Math.max(1, neededBytes);
    if (status === "done" || status === "table-full") return;
    this.#broken = true;
    onBroken(refusal(status, this.#limits));
  }
}
