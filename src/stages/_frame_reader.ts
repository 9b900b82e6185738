/**
 * Reads a frame from its first byte to its last; every length is compared with what is left.
 *
 * Numbers are little endian, and so are hosts, as WebAssembly's memory is: rows are read in place.
 */
import { encodeHex } from "../hot/mod.ts";
import { StageError } from "./stage_error.ts";

const decoder = new TextDecoder("utf-8", { fatal: true });

/** A place in a frame. */
export class FrameReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #what: string;
  #at = 0;

  /** @param what names the frame in errors: "a forward" */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#what = what;
  }

  /** Bytes that have not been read. */
  get leftBytes(): number {
    return this.#bytes.length - this.#at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  /** The next bytes, in place. */
  bytes(count: number): Uint8Array {
    const at = this.#take(count);
    return this.#bytes.subarray(at, at + count);
  }

  /** The next bytes in lowercase hexadecimal. */
  hex(count: number): string {
    const at = this.#take(count);
    return encodeHex(this.#bytes, at, count);
  }

  /** Characters from "!" to "~". @throws {StageError} "malformed" for any other byte */
  printable(count: number): string {
    const at = this.#take(count);
    let text = "";
    for (let i = at; i < at + count; i++) {
      const byte = this.#bytes[i] ?? 0;
      if (byte < 33 || byte > 126) throw this.wrong("a text is not printable");
      text += String.fromCharCode(byte);
    }
    return text;
  }

  /** UTF-8. @throws {StageError} "malformed" when it is not */
  text(count: number): string {
    const bytes = this.bytes(count);
    try {
      return decoder.decode(bytes);
    } catch (cause) {
      throw this.wrong("a text is not UTF-8", cause);
    }
  }

  /** Bytes that must be zero. */
  zeros(count: number): void {
    const at = this.#take(count);
    for (let i = at; i < at + count; i++) {
      if (this.#bytes[i] !== 0) throw this.wrong("a reserved byte is not zero");
    }
  }

  /** Values of 4 bytes; in place where they are aligned, else copied. */
  floats(count: number): Float32Array {
    const { buffer, byteOffset } = this.#words(count);
    return new Float32Array(buffer, byteOffset, count);
  }

  /** As `floats`. */
  integers(count: number): Uint32Array {
    const { buffer, byteOffset } = this.#words(count);
    return new Uint32Array(buffer, byteOffset, count);
  }

  /** @throws {StageError} "malformed" when bytes are left */
  end(): void {
    if (this.leftBytes > 0) throw this.wrong(`${this.leftBytes} bytes follow its end`);
  }

  /** The error for a frame in which `why`. */
  wrong(why: string, cause?: unknown): StageError {
    return new StageError({
      code: "malformed",
      message: `Cannot read ${this.#what} of ${this.#bytes.length} bytes as ${why}`,
      cause,
    });
  }

  #words(count: number): Uint8Array {
    const bytes = this.bytes(count * 4);
    return bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.leftBytes) {
      throw this.wrong(`it ends ${count - this.leftBytes} bytes short, at byte ${at}`);
    }
    this.#at = at + count;
    return at;
  }
}
