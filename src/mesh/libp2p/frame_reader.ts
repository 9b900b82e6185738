/**
 * Frames out of a stream of bytes: a 32-bit big-endian length, then so many bytes of payload.
 *
 * Pieces come in as they arrive and frames are cut out when they are asked for, so that what waits
 * is counted in bytes. A length is compared with the limit before anything is allocated for it.
 */
import { MeshError, meshFrameBytesMax } from "../../ports/mod.ts";

/** Bytes before each payload. */
export const FRAME_HEADER_BYTES = 4;

/** Cuts frames out of pieces; it holds what was pushed and not yet taken. */
export class FrameReader {
  readonly #pieces: Uint8Array[] = [];
  #first = 0;
  #headOffset = 0;
  #bufferedBytes = 0;

  /** Bytes that were pushed and are not part of a taken frame. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** Takes over a piece of the stream; its bytes must not change afterwards. */
  push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bufferedBytes += piece.length;
  }

  /** Whether `take` would return a frame. @throws {MeshError} "too-long" as `take` does */
  hasFrame(): boolean {
    const length = this.#nextLength();
    return length !== undefined && this.#bufferedBytes >= FRAME_HEADER_BYTES + length;
  }

  /**
   * The next whole frame, in memory of its own, or undefined while it is incomplete.
   *
   * @throws {MeshError} "too-long" when the next frame says that it is longer than the limit
   */
  take(): Uint8Array<ArrayBuffer> | undefined {
    const length = this.#nextLength();
    if (length === undefined || this.#bufferedBytes < FRAME_HEADER_BYTES + length) return undefined;
    this.#consume(FRAME_HEADER_BYTES);
    const frame = new Uint8Array(length);
    this.#consume(length, frame);
    return frame;
  }

  #nextLength(): number | undefined {
    if (this.#bufferedBytes < FRAME_HEADER_BYTES) return undefined;
    let length = 0;
    for (let at = 0; at < FRAME_HEADER_BYTES; at++) length = length * 256 + this.#byteAt(at);
    if (length <= meshFrameBytesMax) return length;
    throw new MeshError({
      code: "too-long",
      message:
        `Cannot read a frame as the limit is ${meshFrameBytesMax} bytes: current value is ${length}`,
    });
  }

  #byteAt(index: number): number {
    let offset = this.#headOffset + index;
    for (let at = this.#first; at < this.#pieces.length; at++) {
      const piece = this.#pieces[at];
      if (piece === undefined) break;
      if (offset < piece.length) return piece[offset] ?? 0;
      offset -= piece.length;
    }
    return 0;
  }

  /** Drops `byteCount` bytes that are there, copying them to `target` where one is given. */
  #consume(byteCount: number, target?: Uint8Array): void {
    let left = byteCount;
    while (left > 0) {
      const piece = this.#pieces[this.#first];
      if (piece === undefined) break;
      const taken = Math.min(left, piece.length - this.#headOffset);
      target?.set(
        piece.subarray(this.#headOffset, this.#headOffset + taken),
        byteCount - left,
      );
      left -= taken;
      this.#headOffset += taken;
      if (this.#headOffset === piece.length) this.#dropFirst();
    }
    this.#bufferedBytes -= byteCount;
  }

  /** Moves on to the next piece; the list is shortened only now and then, as that copies it. */
  #dropFirst(): void {
    this.#pieces[this.#first] = EMPTY;
    this.#first++;
    this.#headOffset = 0;
    if (this.#first < this.#pieces.length && this.#first < 64) return;
    this.#pieces.splice(0, this.#first);
    this.#first = 0;
  }
}

const EMPTY = new Uint8Array(0);

/** A frame's bytes on the wire. @throws {RangeError} for a payload over the limit */
export function encodeFrame(payload: Uint8Array): Uint8Array<ArrayBuffer> {
  if (payload.length > meshFrameBytesMax) {
    throw new RangeError(
      `Cannot send a frame as the limit is ${meshFrameBytesMax} bytes: current value is ${payload.length}`,
    );
  }
  const bytes = new Uint8Array(FRAME_HEADER_BYTES + payload.length);
  new DataView(bytes.buffer).setUint32(0, payload.length);
  bytes.set(payload, FRAME_HEADER_BYTES);
  return bytes;
}
