import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeFrame } from "../../src/stages/frames.ts";
import { StageError } from "../../src/stages/stage_error.ts";
import { goodFrames, spoiltFrames } from "./_frames.ts";

const numRuns = 2000 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

test("decodeFrame() reads a frame of every kind", () => {
  const kinds = goodFrames().map((frame) => decodeFrame(frame).kind);
  assert.deepEqual(kinds, [
    "forward",
    "forward",
    "result",
    "open",
    "opened",
    "links",
    "truncate",
    "close",
    "cancel",
    "beat",
    "probe",
    "refusal",
    "credit",
    "origin-forward",
    "origin-result",
  ]);
});

test("decodeFrame() refuses every frame that is cut anywhere", () => {
  for (const frame of goodFrames()) {
    for (let length = 0; length < frame.length; length++) {
      // The origin's forward may end before its trailer, and its result before its activations.
      if ((frame[0] === 1 && length === 38) || (frame[0] === 2 && length === 36)) continue;
      // A result says how many values there are in all its frames: a piece may hold some of them.
      if (frame[0] === 0x22 && length > 88 && length % 4 === 0) continue;
      assert.throws(() => decodeFrame(frame.subarray(0, length)), hasCode("malformed"));
    }
  }
});

test("decodeFrame() refuses bytes that follow a frame's end", () => {
  for (const frame of goodFrames()) {
    for (const more of [1, 4]) {
      const longer = new Uint8Array(frame.length + more);
      longer.set(frame);
      assert.throws(() => decodeFrame(longer), hasCode("malformed"));
    }
  }
});

test("decodeFrame() refuses an unknown tag and an empty frame by name", () => {
  assert.throws(() => decodeFrame(Uint8Array.of(0x7e)), /first byte 126 is no tag/);
  assert.throws(() => decodeFrame(new Uint8Array()), /it is empty/);
});

test("decodeFrame() answers or refuses whatever comes, and throws nothing else", () => {
  fc.assert(
    fc.property(spoiltFrames, (bytes) => {
      try {
        decodeFrame(bytes);
      } catch (thrown) {
        if (!(thrown instanceof StageError)) throw thrown;
      }
    }),
    { numRuns },
  );
});

function hasCode(code: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof StageError && thrown.code === code;
}
