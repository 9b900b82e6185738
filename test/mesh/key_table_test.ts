import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesOfHex } from "../../src/mesh/hex.ts";
import { bytesOfKey, keyOfBytes } from "../../src/mesh/key_table.ts";

test("bytesOfKey() and keyOfBytes() are each other's inverse, whatever was asked for before", () => {
  // Few beginnings, so that keys take each other's places in the table.
  const key = fc.tuple(fc.constantFrom(0, 1, 255), fc.uint8Array({ minLength: 31, maxLength: 31 }))
    .map(([first, rest]) => Uint8Array.of(first, ...rest.fill(rest[0] as number & 1, 0, 2)));
  fc.assert(fc.property(fc.array(key, { minLength: 1, maxLength: 8 }), (keys) => {
    const all = Uint8Array.from(keys.flatMap((bytes) => [...bytes]));
    for (const [i, bytes] of keys.entries()) {
      const text = keyOfBytes(all, 32 * i);
      assert.equal(text, Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join(""));
      assert.deepEqual(bytesOfKey(text), bytes);
    }
  }));
});

test("bytesOfHex() reads pairs of lowercase digits and nothing else", () => {
  assert.deepEqual([...bytesOfHex("00ff7a")], [0, 255, 122]);
  assert.deepEqual([...bytesOfHex("")], []);
  for (const wrong of ["0", "0g", "g0", "AA", " a", "a ", "0x", "éé", "12\u0130\u0131", "a-"]) {
    assert.throws(() => bytesOfHex(wrong), SyntaxError, wrong);
  }
});
