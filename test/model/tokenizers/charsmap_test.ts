/** Maps that were written are read back, and broken ones end in no match. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Charsmap } from "../../../src/model/tokenizers/charsmap.ts";
import { runs } from "../_files.ts";
import { writeCharsmap } from "./_charsmap_writer.ts";
import { normalisation } from "./_unigram.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

test("find() gives the replacement of every key of a large map", () => {
  const entries = [...normalisation()];
  assert.ok(entries.length > 2000);
  const map = Charsmap.tryParse(writeCharsmap(entries));
  for (const [key, text] of entries) {
    const bytes = encoder.encode(`x${key}`);
    const found = map?.find(bytes, 1);
    assert.equal(found?.keyBytes, bytes.length - 1);
    assert.equal(decoder.decode(found?.bytes), text);
  }
  assert.equal(map?.find(encoder.encode("x"), 0), undefined);
});

test("find() takes the longest key", () => {
  const map = Charsmap.tryParse(
    writeCharsmap([["a", "1"], ["abc", "3"], ["b", ""]]),
  );
  const at = (text: string): [number, string] | undefined => {
    const found = map?.find(encoder.encode(text), 0);
    return found && [found.keyBytes, decoder.decode(found.bytes)];
  };
  assert.deepEqual(at("abd"), [1, "1"]);
  assert.deepEqual(at("abcd"), [3, "3"]);
  assert.deepEqual(at("bc"), [1, ""]);
  assert.equal(at("c"), undefined);
});

test("find() of any bytes as a map ends, within its limits", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 9, maxLength: 400 }),
      fc.uint8Array({ minLength: 1, maxLength: 300 }),
      (bytes, text) => {
        const map = bytes.slice();
        new DataView(map.buffer).setUint32(
          0,
          Math.floor((bytes.length - 5) / 4) * 4,
          true,
        );
        const found = Charsmap.tryParse(map)?.find(text, 0);
        if (found !== undefined) {
          assert.ok(found.keyBytes <= 256 && found.bytes.length <= 256);
        }
      },
    ),
    { numRuns: runs(500) },
  );
});
