import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeOriginForward, decodeOriginResult } from "../../src/stages/origin_frames.ts";
import { originForward, originResult } from "./_frames.ts";

const nobody = "0".repeat(32);

test("decodeOriginForward() reads both versions of the origin's forward", () => {
  const bytes = originForward();
  const early = {
    kind: "origin-forward",
    request: nobody,
    sequence: 7,
    position: 40,
    format: "f32",
    data: new Uint8Array(8),
  };
  assert.deepEqual(decodeOriginForward(bytes.subarray(0, 38)), early);
  const layers = { from: 2, to: 5, model: "abc" };
  assert.deepEqual(decodeOriginForward(bytes), { ...early, layers });
});

test("decodeOriginForward() refuses unknown formats and trailers, and half a value", () => {
  const bytes = originForward();
  for (const [at, value] of [[25, 3], [38, 5], [26, 7]] as const) {
    const wrong = bytes.slice();
    wrong[at] = value;
    assert.throws(() => decodeOriginForward(wrong));
  }
});

test("decodeOriginResult() reads tokens, an error, and activations where there are any", () => {
  const bytes = originResult();
  const result = {
    kind: "origin-result",
    request: nobody,
    tokens: Uint32Array.of(11, 12),
    finish: "error",
    error: "no",
    activations: new Uint8Array(),
  };
  assert.deepEqual(decodeOriginResult(bytes.subarray(0, 36)), result);
  const view = new DataView(bytes.buffer);
  view.setUint32(36, 0, true);
  assert.deepEqual(decodeOriginResult(bytes.subarray(0, 40)), result);
});
