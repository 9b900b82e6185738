/** Writes a frame whose length is known; the counterpart of `FrameReader`. */
import { decodeHexInto } from "../hot/mod.ts";

/** A growing place in a frame. */
export class FrameWriter {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly #view: DataView;
  #at = 0;

  /** @param byteCount of the whole frame */
  constructor(byteCount: number) {
    this.bytes = new Uint8Array(byteCount);
    this.#view = new DataView(this.bytes.buffer);
  }

  u8(value: number): this {
    this.#view.setUint8(this.#skip(1), value);
    return this;
  }

  u16(value: number): this {
    this.#view.setUint16(this.#skip(2), value, true);
    return this;
  }

  u32(value: number): this {
    this.#view.setUint32(this.#skip(4), value, true);
    return this;
  }

  /** Bytes as they are. */
  put(bytes: Uint8Array): this {
    this.bytes.set(bytes, this.#skip(bytes.length));
    return this;
  }

  /** Digits of bytes. */
  hex(digits: string): this {
    decodeHexInto(digits, this.bytes, this.#skip(digits.length >>> 1));
    return this;
  }

  /** Characters below 128. */
  ascii(text: string): this {
    for (let i = 0; i < text.length; i++) this.u8(text.charCodeAt(i));
    return this;
  }

  /** Zeros. */
  zeros(count: number): this {
    this.#skip(count);
    return this;
  }

  /** Values of 4 bytes, as they lie in memory. */
  words(values: Float32Array | Uint32Array): this {
    return this.put(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }

  #skip(count: number): number {
    const at = this.#at;
    this.#at = at + count;
    return at;
  }
}
