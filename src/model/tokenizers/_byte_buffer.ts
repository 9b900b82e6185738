/**
 * A byte array that grows at its end.
 */

/** Collects bytes. */
export class ByteBuffer {
  #bytes: Uint8Array;
  #length = 0;

  /** @param room bytes to make room for at first; grows by doubling */
  constructor(room: number) {
    this.#bytes = new Uint8Array(Math.max(16, room));
  }

  /** Adds a byte. */
  push(byte: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = byte;
  }

  /** Adds bytes. */
  append(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) {
      this.#grow(bytes.length);
    }
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What was collected; shares memory with this. */
  take(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  #grow(count: number): void {
    const bytes = new Uint8Array(
      Math.max(this.#bytes.length * 2, this.#length + count),
    );
    bytes.set(this.#bytes);
    this.#bytes = bytes;
  }
}
