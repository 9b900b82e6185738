/**
 * A forward-only reader over the start of a byte source, holding one bounded window.
 *
 * Every length is checked against the bytes that are left in the file before it is believed; the
 * position is counted from the start of the file, for messages. Little endian.
 */
import { ModelError, quoteForMessage } from "./errors.ts";
import type { ModelErrorCode } from "./errors.ts";
import type { ByteSource } from "./gguf_types.ts";
import { HEADER_BYTES_MAX, HEADER_WINDOW_BYTES } from "./limits.ts";

/** Reads integers, floats and byte strings in order. */
export class HeaderReader {
  readonly #source: ByteSource;
  #window: Uint8Array = new Uint8Array(0);
  #view = new DataView(new ArrayBuffer(0));
  /** File position of the window's first byte. */
  #windowStart = 0;
  /** Offset of the next byte in the window. */
  #next = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** Position of the next byte, from the start of the file. */
  get position(): number {
    return this.#windowStart + this.#next;
  }

  /** Bytes between the position and the end of the file. */
  get leftBytes(): number {
    return this.#source.sizeBytes - this.position;
  }

  /** Builds the error for the current place; `rule` completes "Cannot read model 'x' as ...". */
  error(code: ModelErrorCode, rule: string): ModelError {
    return new ModelError(
      code,
      `Cannot read model ${quoteForMessage(this.#source.name)} as ${rule}`,
    );
  }

  /** Whether `sizeBytes` are in the window already, so that no `prepare` is needed. */
  has(sizeBytes: number): boolean {
    return this.#window.length - this.#next >= sizeBytes;
  }

  /**
   * Makes the next `sizeBytes` readable without waiting.
   *
   * @param place what is being read, for the message
   * @throws {ModelError} `truncated` when the file ends first, `too-large` for an endless header
   */
  async prepare(sizeBytes: number, place: string): Promise<void> {
    if (this.has(sizeBytes)) return;
    this.#check(sizeBytes, place);
    const start = this.position;
    const wanted = Math.min(this.leftBytes, Math.max(sizeBytes, HEADER_WINDOW_BYTES));
    const window = new Uint8Array(wanted);
    window.set(this.#window.subarray(this.#next));
    let filled = this.#window.length - this.#next;
    while (filled < wanted) {
      const count = await this.#source.read(window.subarray(filled), start + filled);
      if (count <= 0) break;
      filled += count;
    }
    this.#window = window.subarray(0, filled);
    this.#view = new DataView(window.buffer, 0, filled);
    this.#windowStart = start;
    this.#next = 0;
    if (filled < sizeBytes) throw this.#truncated(sizeBytes, place);
  }

  /** Checks that `count` items of at least `itemBytesMin` fit in the file, and under `countMax`. */
  checkCount(
    count: number,
    bounds: { itemBytesMin: number; countMax: number; place: string },
  ): void {
    const { itemBytesMin, countMax, place } = bounds;
    const fitting = Math.floor(this.leftBytes / itemBytesMin);
    if (count > fitting) {
      throw this.error(
        "truncated",
        `${place} cannot fit in the ${this.leftBytes} bytes that are left: current count is ${count}`,
      );
    }
    if (count > countMax) {
      throw this.error(
        "too-large",
        `${place} must be at most ${countMax} long: current count is ${count}`,
      );
    }
  }

  /** Next `sizeBytes` as a view of the window, valid until the next `prepare`. Must be prepared. */
  bytes(sizeBytes: number): Uint8Array {
    const start = this.#advance(sizeBytes);
    return this.#window.subarray(start, start + sizeBytes);
  }

  /** Next byte, unsigned. Must be prepared, as for all below. */
  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  /** Next byte, signed. */
  i8(): number {
    return this.#view.getInt8(this.#advance(1));
  }

  /** Next 16-bit integer, unsigned. */
  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  /** Next 16-bit integer, signed. */
  i16(): number {
    return this.#view.getInt16(this.#advance(2), true);
  }

  /** Next 32-bit integer, unsigned. */
  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  /** Next 32-bit integer, signed. */
  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  /** Next 64-bit integer, unsigned; exact up to 2^53 - 1, above that only its size is kept. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** Next 64-bit integer, signed; exact within 2^53 - 1. */
  i64(): number {
    return Number(this.#view.getBigInt64(this.#advance(8), true));
  }

  /** Next 32-bit float. */
  f32(): number {
    return this.#view.getFloat32(this.#advance(4), true);
  }

  /** Next 64-bit float. */
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), true);
  }

  #advance(sizeBytes: number): number {
    const start = this.#next;
    this.#next += sizeBytes;
    return start;
  }

  #check(sizeBytes: number, place: string): void {
    if (sizeBytes > this.leftBytes) throw this.#truncated(sizeBytes, place);
    if (this.position + sizeBytes > HEADER_BYTES_MAX) {
      throw this.error(
        "too-large",
        `its header must be at most ${HEADER_BYTES_MAX} bytes: ${place} goes beyond`,
      );
    }
  }

  #truncated(sizeBytes: number, place: string): ModelError {
    const { position } = this;
    return this.error(
      "truncated",
      `${place} at byte ${position} needs ${sizeBytes} bytes: the file has ${this.#source.sizeBytes} in all`,
    );
  }
}
