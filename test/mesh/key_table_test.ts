import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex } from "../../src/hot/mod.ts";
import { bytesOfKey, keyOfBytes } from "../../src/mesh/key_table.ts";

test("bytesOfKey() and keyOfBytes() are each other's inverse, whatever was asked for before", () => {
  // Few beginnings, so that keys take each other's places in the table.
  const key = fc.tuple(fc.constantFrom(0, 1, 255), fc.uint8Array({ minLength: 31, maxLength: 31 }))
    .map(([first, rest]) => Uint8Array.of(first, ...rest.fill(rest[0] as number & 1, 0, 2)));
  fc.assert(fc.property(fc.array(key, { minLength: 1, maxLength: 8 }), (keys) => {
    const all = Uint8Array.from(keys.flatMap((bytes) => [...bytes]));
    for (const [i, bytes] of keys.entries()) {
      const text = keyOfBytes(all, 32 * i);
      assert.equal(text, encodeHex(bytes));
      assert.deepEqual(bytesOfKey(text), bytes);
    }
  }));
});
