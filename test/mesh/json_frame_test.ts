/** Goal: a frame of JSON is bounded before it is decoded, and refused in a sentence that names what is wrong. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import {
  decodeJsonFrame,
  encodeJsonFrame,
  frameRefusal,
  kindFrame,
} from "../../src/mesh/json_frame.ts";

const schema = v.strictObject({ inner: v.strictObject({ count: v.number("it is no number") }) });
const what = "frame of a test";

function read(bytes: Uint8Array, isSecret = false): unknown {
  return decodeJsonFrame(schema, { bytes, bytesMax: 40, what, isSecret });
}

test("decodeJsonFrame() reads what encodeJsonFrame() wrote", () => {
  const value = { inner: { count: 3 } };
  assert.deepEqual(read(encodeJsonFrame(value)), value);
});

test("decodeJsonFrame() names what is wrong, and where", () => {
  const cases: readonly (readonly [Uint8Array, string, string])[] = [
    [encodeJsonFrame({ inner: { count: "x" } }), "malformed", '"inner.count": it is no number'],
    [encodeJsonFrame(7).subarray(0, 0), "malformed", "it is no JSON"],
    [Uint8Array.of(0x22, 0xff, 0x22), "malformed", "it is no JSON"],
    [
      new Uint8Array(41).fill(0xff),
      "too-long",
      "it may have at most 40 bytes: current value is 41",
    ],
  ];
  for (const [bytes, code, why] of cases) {
    const message = `Cannot take a frame of a test as ${why}`;
    assert.throws(() => read(bytes), { name: "MembershipError", code, message });
  }
  assert.throws(() => read(encodeJsonFrame("whole")), (thrown: Error) => {
    return /^Cannot take a frame of a test as Invalid type: Expected Object/.test(thrown.message);
  });
});

test("decodeJsonFrame() tells nothing of what is there where a secret may be", () => {
  const frame = encodeJsonFrame({ inner: { count: "hush" }, hush: 1 });
  const message = "Cannot take a frame of a test as it has not the form of one";
  assert.throws(() => read(frame, true), { code: "malformed", message });
});

test("kindFrame() puts the kind before the rest", () => {
  assert.deepEqual([...kindFrame(3, Uint8Array.of(7, 8))], [3, 7, 8]);
});

test("frameRefusal() keeps the cause", () => {
  const cause = new SyntaxError("why");
  assert.equal(frameRefusal({ what, why: "it is so", cause }).cause, cause);
});
