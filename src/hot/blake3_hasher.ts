/**
 * BLAKE3 of bytes that arrive in pieces. Any number of hashers may be open on one `Blake3`; the one
 * in use has its state in the kernel, the others hold a copy of theirs.
 */
import { DIGEST, TREE, WINDOW, WINDOW_BYTES } from "./_blake3_map.ts";
import type { Blake3 } from "./blake3.ts";
import { encodeHex } from "./hex.ts";

/** State of a hasher while another one uses the kernel. */
interface Saved {
  readonly tree: Uint8Array;
  readonly window: Uint8Array;
}

/** One input in pieces. The result does not depend on where it is cut. */
export class Blake3Hasher {
  readonly #blake3: Blake3;
  readonly #memory: Uint8Array;
  /** Bytes waiting in the window: the tree takes full windows that more bytes follow. */
  #waiting = 0;
  #lengthBytes = 0;
  #saved: Saved | undefined;
  #state: "fresh" | "resident" | "saved" | "finished" = "fresh";

  /** @param blake3 gives mode and kernel; must outlive the hasher */
  constructor(blake3: Blake3) {
    this.#blake3 = blake3;
    this.#memory = new Uint8Array(blake3.kernel.memory.buffer);
  }

  /** Bytes taken so far. */
  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /**
   * Takes the next piece, which may be empty, and may be part of the arena.
   *
   * @throws {TypeError} after `finish`
   */
  update(piece: Uint8Array): this {
    this.#enter();
    const { kernel } = this.#blake3;
    let done = 0;
    while (done < piece.length) {
      if (this.#waiting === WINDOW_BYTES) {
        kernel.push(WINDOW);
        this.#waiting = 0;
      }
      const left = piece.length - done;
      if (this.#waiting === 0 && left > WINDOW_BYTES) {
        kernel.push(this.#blake3.place(piece.subarray(done, done + WINDOW_BYTES)));
        done += WINDOW_BYTES;
        continue;
      }
      const part = Math.min(WINDOW_BYTES - this.#waiting, left);
      this.#memory.set(piece.subarray(done, done + part), WINDOW + this.#waiting);
      this.#waiting += part;
      done += part;
    }
    this.#lengthBytes += piece.length;
    return this;
  }

  /**
   * Writes the digest to 32 bytes of `out` from `at`. The hasher takes no more pieces.
   *
   * @throws {RangeError} when `out` is too short; the hasher is then still open
   * @throws {TypeError} after `finish`
   */
  finishInto(out: Uint8Array, at = 0): void {
    if (!(at >= 0 && at + 32 <= out.length)) {
      throw new RangeError(
        `Cannot write a digest as 'out' must have 32 bytes from ${at}: ` +
          `current value has ${out.length}`,
      );
    }
    this.#finish();
    out.set(this.#memory.subarray(DIGEST, DIGEST + 32), at);
  }

  /**
   * The digest as hexadecimal digits. The hasher takes no more pieces.
   *
   * @throws {TypeError} after `finish`
   */
  finishHex(): string {
    this.#finish();
    return encodeHex(this.#memory, DIGEST, 32);
  }

  /**
   * Fills `out` with extended output from byte `offset`. The hasher takes no more pieces.
   *
   * @throws {RangeError} when `offset` is not from 0 to 2^53 - 1
   * @throws {TypeError} after `finish`
   */
  finishExtendedInto(out: Uint8Array, offset = 0): void {
    this.#finish();
    this.#blake3.readInto(out, offset);
  }

  #finish(): void {
    this.#enter();
    this.#blake3.kernel.finish(WINDOW, this.#waiting);
    this.#blake3.forget();
    this.#state = "finished";
  }

  /** Makes the kernel's tree this hasher's. */
  #enter(): void {
    if (this.#state === "resident") return;
    if (this.#state === "finished") {
      throw new TypeError("Cannot use a BLAKE3 hasher as it has finished");
    }
    this.#blake3.occupy(() => this.#save());
    if (this.#saved === undefined) this.#blake3.kernel.begin();
    else {
      this.#memory.set(this.#saved.tree, TREE);
      this.#memory.set(this.#saved.window, WINDOW);
      this.#saved = undefined;
    }
    this.#state = "resident";
  }

  #save(): void {
    const tree = this.#memory.slice(TREE, DIGEST);
    this.#saved = { tree, window: this.#memory.slice(WINDOW, WINDOW + this.#waiting) };
    this.#state = "saved";
  }
}
