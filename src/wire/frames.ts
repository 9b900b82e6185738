/**
 * Frames: 4 bytes of length, big-endian and without themselves, then so many bytes.
 *
 * Used at every `rpc.sock` for JSON-RPC; says nothing of what a frame holds.
 */
import type { FrameScanner, ScanLimits } from "../hot/mod.ts";
import { ScanningDecoder } from "./_scanning_decoder.ts";
import type { Framing } from "./_scanning_decoder.ts";
import type { DecoderLimits, MessageDecoder } from "./message_decoder.ts";
import { WireError } from "./wire_error.ts";

/** Bytes before a frame's message. */
export const FRAME_HEAD_BYTES = 4;

/**
 * A decoder of frames; it gives each message's exact bytes, without its length.
 *
 * @throws {RangeError} at `next`, when `bytesMax` is beyond what a scanner holds
 */
export function frameDecoder(limits: DecoderLimits): MessageDecoder<Uint8Array> {
  return new ScanningDecoder(new FrameFraming(limits));
}

/**
 * A frame of `message`; the limit is the receiver's.
 *
 * @throws {WireError} "too-large"
 */
export function encodeFrame(
  message: Uint8Array,
  limits: { readonly bytesMax: number },
): Uint8Array<ArrayBuffer> {
  if (message.length > limits.bytesMax) throw tooLarge(message.length, limits.bytesMax);
  const frame = new Uint8Array(FRAME_HEAD_BYTES + message.length);
  new DataView(frame.buffer).setUint32(0, message.length);
  frame.set(message, FRAME_HEAD_BYTES);
  return frame;
}

const encoder = new TextEncoder();

/**
 * A frame of a text in UTF-8, written in place: no second copy of the bytes.
 *
 * @throws {WireError} "too-large"
 */
export function encodeTextFrame(
  text: string,
  limits: { readonly bytesMax: number },
): Uint8Array<ArrayBuffer> {
  // A UTF-16 unit becomes 3 bytes at most; what is never written is never touched.
  const room = new Uint8Array(FRAME_HEAD_BYTES + Math.min(3 * text.length, limits.bytesMax));
  const { read, written } = encoder.encodeInto(text, room.subarray(FRAME_HEAD_BYTES));
  if (read < text.length) throw tooLarge(encoder.encode(text).length, limits.bytesMax);
  new DataView(room.buffer).setUint32(0, written);
  return room.subarray(0, FRAME_HEAD_BYTES + written);
}

class FrameFraming implements Framing<Uint8Array> {
  readonly recordWidth = 2;
  readonly limits: ScanLimits;

  constructor(limits: DecoderLimits) {
    this.limits = limits;
  }

  scan(scanner: FrameScanner, data: Uint8Array): number {
    return scanner.scanFrames(data, this.limits);
  }

  wanted(gathered: Uint8Array): number {
    return this.#wholeBytes(gathered) - gathered.length;
  }

  isDue(gathered: Uint8Array): boolean {
    // With 4 bytes the length is looked at, so that a frame that is too long is refused by its head.
    return gathered.length === FRAME_HEAD_BYTES || gathered.length >= this.#wholeBytes(gathered);
  }

  restart(): void {}

  message(data: Uint8Array, records: Uint32Array, at: { readonly index: number }): Uint8Array {
    const start = records[at.index] ?? 0;
    return data.subarray(start, start + (records[at.index + 1] ?? 0));
  }

  /** Bytes of the frame as far as its beginning says: more than are gathered, or all of them. */
  #wholeBytes(gathered: Uint8Array): number {
    if (gathered.length < FRAME_HEAD_BYTES) return FRAME_HEAD_BYTES;
    const view = new DataView(gathered.buffer, gathered.byteOffset, FRAME_HEAD_BYTES);
    return FRAME_HEAD_BYTES + view.getUint32(0);
  }
}

function tooLarge(current: number, bytesMax: number): WireError {
  return new WireError({
    code: "too-large",
    message:
      `Cannot send the message as a frame must hold at most ${bytesMax} bytes: current value is ${current}`,
  });
}
