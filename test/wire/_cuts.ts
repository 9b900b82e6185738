/** Streams cut in every way, and what a decoder makes of them. */
import assert from "node:assert/strict";
import process from "node:process";
import fc from "fast-check";
import type { MessageDecoder } from "../../src/wire/mod.ts";

/** Runs of a property; SKEP_TEST_RUNS multiplies them. */
export function runs(count: number): number {
  return Math.ceil(count * Number(process.env["SKEP_TEST_RUNS"] ?? 1));
}

/** What a decoder made of a stream: its messages, and the code that it refused the rest with. */
export interface Decoded<Message> {
  readonly messages: readonly Message[];
  readonly refusal: string | undefined;
  readonly pendingBytes: number;
}

/** Decodes the pieces one after the other. */
export function decodeAll<Message>(
  decoder: MessageDecoder<Message>,
  pieces: Iterable<Uint8Array>,
): Decoded<Message> {
  const messages: Message[] = [];
  try {
    for (const piece of pieces) {
      decoder.push(piece);
      for (let message = decoder.next(); message !== undefined; message = decoder.next()) {
        messages.push(message);
      }
    }
  } catch (thrown) {
    assert.ok(thrown instanceof Error);
    assert.throws(() => decoder.next(), thrown, "A refusal stays");
    return { messages, refusal: String(Reflect.get(thrown, "code")), pendingBytes: 0 };
  }
  return { messages, refusal: undefined, pendingBytes: decoder.pendingBytes };
}

/** The same bytes in `size` long pieces. */
export function* piecesOf(bytes: Uint8Array, size: number): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Asserts that every cut, and every size of piece, gives what the whole gives; gives that. */
export function sameUnderEveryCut<Message>(
  stream: Uint8Array,
  make: () => MessageDecoder<Message>,
): Decoded<Message> {
  const whole = decodeAll(make(), [stream]);
  for (let at = 0; at <= stream.length; at++) {
    const cut = decodeAll(make(), [stream.subarray(0, at), stream.subarray(at)]);
    assert.deepEqual(cut, whole, `Cut at ${at}`);
  }
  for (const size of [1, 2, 3, 5, 7]) {
    assert.deepEqual(decodeAll(make(), piecesOf(stream, size)), whole, `Pieces of ${size}`);
  }
  return whole;
}

/** Asserts the same of random places to cut at. */
export function sameUnderRandomCuts<Message>(
  streams: fc.Arbitrary<Uint8Array>,
  make: () => MessageDecoder<Message>,
): void {
  fc.assert(
    fc.property(streams, fc.array(fc.nat(1000), { maxLength: 12 }), (stream, marks) => {
      const ends = [...marks.map((mark) => Math.floor(mark * stream.length / 1000)), stream.length];
      ends.sort((a, b) => a - b);
      const pieces = ends.map((end, i) => stream.subarray(i === 0 ? 0 : ends[i - 1], end));
      assert.deepEqual(decodeAll(make(), pieces), decodeAll(make(), [stream]));
    }),
    { numRuns: runs(60) },
  );
}

/** Joins bytes. */
export function joined(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

/** Text of bytes. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

/** Bytes of text. */
export function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Sequences that UTF-8 does not allow, from the tables of the Unicode standard (3.9, table 3-7). */
export const NOT_UTF8: readonly (readonly number[])[] = [
  [0x80],
  [0xc0, 0x80],
  [0xc1, 0xbf],
  [0xe0, 0x80, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf0, 0x80, 0x80, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xf5],
  [0xff],
  [0xe2, 0x82],
];
