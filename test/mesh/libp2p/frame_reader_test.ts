import assert from "node:assert/strict";
import { test } from "node:test";
import process from "node:process";
import fc from "fast-check";
import {
  encodeFrame,
  FRAME_HEADER_BYTES,
  FrameReader,
} from "../../../src/mesh/libp2p/frame_reader.ts";
import { MeshError, meshFrameBytesMax } from "../../../src/ports/mod.ts";

const numRuns = 200 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

function takeAll(reader: FrameReader): Uint8Array[] {
  const frames: Uint8Array[] = [];
  while (reader.hasFrame()) frames.push(reader.take() ?? new Uint8Array(0));
  assert.equal(reader.take(), undefined);
  return frames;
}

function isTooLong(thrown: unknown): boolean {
  return thrown instanceof MeshError && thrown.code === "too-long";
}

test("frames come out as they went in, wherever the stream is cut", () => {
  const frames = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 12 });
  const cuts = fc.array(fc.nat({ max: 4000 }), { maxLength: 30 });
  fc.assert(
    fc.property(frames, cuts, (payloads, places) => {
      const bytes = Uint8Array.from(payloads.flatMap((payload) => [...encodeFrame(payload)]));
      const ends = [...places, bytes.length].map((at) => Math.min(at, bytes.length));
      ends.sort((one, other) => one - other);
      const reader = new FrameReader();
      const got: Uint8Array[] = [];
      let start = 0;
      for (const end of ends) {
        reader.push(bytes.subarray(start, end));
        start = end;
        got.push(...takeAll(reader));
      }
      assert.deepEqual(got.map((frame) => [...frame]), payloads.map((payload) => [...payload]));
      assert.equal(reader.bufferedBytes, 0);
    }),
    { numRuns },
  );
});

test("byte by byte, and thousands of empty frames in one piece", () => {
  const reader = new FrameReader();
  const got: Uint8Array[] = [];
  for (const byte of [...encodeFrame(Uint8Array.of(1, 2, 3)), ...encodeFrame(new Uint8Array(0))]) {
    reader.push(Uint8Array.of(byte));
    got.push(...takeAll(reader));
  }
  assert.deepEqual(got, [Uint8Array.of(1, 2, 3), new Uint8Array(0)]);
  reader.push(new Uint8Array(FRAME_HEADER_BYTES * 50_000));
  assert.equal(takeAll(reader).length, 50_000);
  for (let count = 0; count < 5000; count++) reader.push(encodeFrame(new Uint8Array(1)));
  assert.equal(takeAll(reader).length, 5000);
});

test("a frame begins at the start of memory of its own, so that it can be seen as numbers", () => {
  const reader = new FrameReader();
  reader.push(Uint8Array.of(9, ...encodeFrame(new Uint8Array(8))).subarray(1));
  const frame = reader.take();
  assert.equal(frame?.byteOffset, 0);
  assert.equal(frame?.buffer.byteLength, 8);
});

test("a length over the limit is refused before anything is allocated for it", () => {
  for (const length of [meshFrameBytesMax + 1, 0x7fffffff, 0xffffffff]) {
    const reader = new FrameReader();
    const header = new Uint8Array(FRAME_HEADER_BYTES);
    new DataView(header.buffer).setUint32(0, length);
    reader.push(header);
    assert.throws(() => reader.hasFrame(), isTooLong);
    assert.throws(() => reader.take(), isTooLong);
  }
  assert.throws(() => encodeFrame(new Uint8Array(meshFrameBytesMax + 1)), RangeError);
});

test("a million random bytes are frames or a refusal, never more than they are", () => {
  const runs = 1_000_000;
  let seed = 0x2545f491;
  let refused = 0;
  let taken = 0;
  const piece = new Uint8Array(64);
  for (let done = 0; done < runs; done += piece.length) {
    const reader = new FrameReader();
    for (let at = 0; at < piece.length; at++) {
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      // Small lengths now and then, so that frames come out as well.
      piece[at] = (seed & 3) === 0 ? seed >>> 8 : 0;
    }
    reader.push(piece.slice());
    try {
      for (let frame = reader.take(); frame !== undefined; frame = reader.take()) {
        taken += FRAME_HEADER_BYTES + frame.length;
      }
    } catch (thrown) {
      assert.ok(isTooLong(thrown));
      refused++;
    }
    assert.ok(reader.bufferedBytes <= piece.length);
  }
  assert.ok(refused > 1000 && taken > 1000 && taken <= runs, `${refused} refused, ${taken} taken`);
});
