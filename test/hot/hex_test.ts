import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeHex, decodeHexInto, encodeHex } from "../../src/hot/hex.ts";

test("encodeHex() writes two digits for every byte, of a part too", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(encodeHex(bytes).slice(0, 8), "00010203");
  assert.equal(encodeHex(bytes).slice(-4), "feff");
  assert.equal(encodeHex(bytes, 9, 3), "090a0b");
  assert.equal(encodeHex(new Uint8Array(0)), "");
});

test("decodeHex() reads what encodeHex() wrote", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.deepEqual(decodeHex(encodeHex(bytes)), bytes);
  fc.assert(
    fc.property(fc.uint8Array(), (each) => assert.deepEqual(decodeHex(encodeHex(each)), each)),
  );
});

test("decodeHex() reads pairs of lowercase digits and nothing else", () => {
  assert.deepEqual([...decodeHex("00ff7a")], [0, 255, 122]);
  assert.deepEqual([...decodeHex("")], []);
  const odd = ["0", "000", "a-0", "g"];
  const wrong = [
    "0g",
    "g0",
    "AA",
    " a",
    "a ",
    "0x",
    "éé",
    "12\u0130\u0131",
    "a-",
    "00/0",
    "00:0",
    "0`",
  ];
  for (const each of [...odd, ...wrong, ...wrong.map((text) => `${text}00`)]) {
    assert.throws(() => decodeHex(each), SyntaxError, each);
  }
});

test("decodeHexInto() writes at a place that has room for all, and nowhere else", () => {
  const out = Uint8Array.of(1, 2, 3, 4, 5);
  decodeHexInto("fffe", out, 2);
  assert.deepEqual([...out], [1, 2, 255, 254, 5]);
  decodeHexInto("0a", out);
  assert.deepEqual([...out], [10, 2, 255, 254, 5]);
  assert.throws(() => decodeHexInto("fffe", out, 4), RangeError);
  assert.deepEqual([...out], [10, 2, 255, 254, 5]);
  assert.throws(() => decodeHexInto("0g", out), SyntaxError);
});
