import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeForward, encodeForward, forwardRowsMax } from "../../src/stages/forward_frame.ts";
import { StageError } from "../../src/stages/stage_error.ts";
import { forwardHead } from "./_frames.ts";

const rows = Float32Array.from({ length: 12 }, (_, i) => Math.fround(i / 7));

test("decodeForward() gives back what encodeForward() was given", () => {
  const frame = decodeForward(encodeForward(forwardHead, rows));
  assert.deepEqual(frame, { ...forwardHead, kind: "forward", format: "f32", width: 4, data: rows });
  const tokens = Uint32Array.of(1, 2, 3);
  const other = decodeForward(encodeForward(forwardHead, tokens));
  assert.deepEqual(other, {
    ...forwardHead,
    kind: "forward",
    format: "tokens",
    width: 1,
    data: tokens,
  });
});

test("decodeForward() reads rows in place where they are aligned, and copies where not", () => {
  const bytes = encodeForward(forwardHead, rows);
  assert.equal(decodeForward(bytes).data.buffer, bytes.buffer);
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  const frame = decodeForward(shifted.subarray(1));
  assert.notEqual(frame.data.buffer, shifted.buffer);
  assert.deepEqual(frame.data, rows);
});

test("decodeForward() refuses a format other than the class's by name", () => {
  for (const format of [0, 2, 3, 255]) {
    const bytes = encodeForward(forwardHead, rows);
    bytes[1] = format;
    assert.throws(
      () => decodeForward(bytes),
      (thrown) => thrown instanceof StageError && thrown.code === "wrong-format",
    );
  }
});

test("decodeForward() refuses layers that are no range, and a session that comes twice", () => {
  const empty = { ...forwardHead, firstLayer: 6 };
  assert.throws(() => decodeForward(encodeForward(empty, rows)), /no range/);
  const short = { ...forwardHead, untilLayer: 5 };
  assert.throws(() => decodeForward(encodeForward(short, rows)), /no range/);
  const [first] = forwardHead.entries;
  const twice = { ...forwardHead, entries: [first, { ...first, sequence: 2 }] };
  assert.throws(() => decodeForward(encodeForward(twice, new Float32Array(16))), /two entries/);
});

test("encodeForward() refuses rows that a frame has no room for", () => {
  const rowsMax = forwardRowsMax("skep-q8a/1", 4096);
  assert.equal(rowsMax, 63);
  const [entry] = forwardHead.entries;
  function send(positionCount: number): Uint8Array {
    const head = { ...forwardHead, entries: [{ ...entry, positionCount }] };
    return encodeForward(head, new Float32Array(positionCount * 4096));
  }
  assert.equal(decodeForward(send(rowsMax)).width, 4096);
  assert.throws(() => send(rowsMax + 1), RangeError);
});
