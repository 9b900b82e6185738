import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHex } from "../../src/hot/hex.ts";

test("encodeHex() writes two digits for every byte, of a part too", () => {
  const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
  assert.equal(encodeHex(bytes).slice(0, 8), "00010203");
  assert.equal(encodeHex(bytes).slice(-4), "feff");
  assert.equal(encodeHex(bytes, 9, 3), "090a0b");
  assert.equal(encodeHex(new Uint8Array(0)), "");
});
