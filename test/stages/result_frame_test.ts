import assert from "node:assert/strict";
import { test } from "node:test";
import { meshFrameBytesMax } from "../../src/ports/mod.ts";
import { decodeResult, encodeResult } from "../../src/stages/result_frame.ts";
import { StageError } from "../../src/stages/stage_error.ts";
import { ids } from "./_frames.ts";

const head = {
  request: ids.request,
  root: ids.root,
  numericClass: "skep-q8a/1",
  firstLayer: 3,
  endLayer: 6,
  content: "activations",
  width: 5,
  rows: 2,
  computeMs: 12,
} as const;

test("decodeResult() gives back what encodeResult() was given", () => {
  const data = Float32Array.from({ length: 10 }, (_, i) => i);
  const [frame, ...others] = encodeResult(head, data);
  assert.equal(others.length, 0);
  assert.deepEqual(decodeResult(frame ?? new Uint8Array()), {
    ...head,
    kind: "result",
    offset: 0,
    data,
  });
});

test("encodeResult() answers with an empty frame where no row was wanted", () => {
  const [frame] = encodeResult({ ...head, rows: 0 }, new Float32Array());
  assert.equal(decodeResult(frame ?? new Uint8Array()).data.length, 0);
});

test("encodeResult() cuts what a frame has no room for, also within a row", () => {
  const width = 300_000;
  const data = Float32Array.from({ length: 2 * width }, (_, i) => i);
  const frames = encodeResult({ ...head, width, content: "logits" }, data);
  assert.equal(frames.length, 3);
  const whole = new Float32Array(data.length);
  for (const bytes of frames) {
    assert.ok(bytes.length <= meshFrameBytesMax);
    const { offset, data } = decodeResult(bytes);
    whole.set(data, offset);
  }
  assert.deepEqual(whole, data);
});

test("decodeResult() refuses values outside of the result, tokens, and other formats", () => {
  const [bytes = new Uint8Array()] = encodeResult(head, new Float32Array(10));
  const beyond = bytes.slice();
  beyond[68] = 1;
  assert.throws(() => decodeResult(beyond), hasCode("malformed"));
  const tokens = bytes.slice();
  tokens[2] = 3;
  assert.throws(() => decodeResult(tokens), hasCode("wrong-format"));
  const halves = bytes.slice();
  halves[1] = 0;
  assert.throws(() => decodeResult(halves), hasCode("wrong-format"));
});

function hasCode(code: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof StageError && thrown.code === code;
}
