import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeEmbedded } from "../../src/platform/mod.ts";

test("decodeEmbedded() gives back what was encoded, of every length modulo 3, in an array of its own", () => {
  for (const length of [0, 1, 2, 3, 255, 256, 100_000]) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 167 + (i >> 8)) & 255);
    let letters = "";
    for (const byte of bytes) letters += String.fromCharCode(byte);
    const decoded = decodeEmbedded(btoa(letters));
    assert.deepEqual(decoded, bytes);
    assert.equal(decoded.buffer.byteLength, length);
  }
});
