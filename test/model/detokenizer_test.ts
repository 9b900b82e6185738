/** Streams of tokens give the text of the whole, in pieces that never end inside a character. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bytesSource, createDetokenizer, loadTokenizer, openGguf } from "../../src/model/mod.ts";
import { runs } from "./_files.ts";
import { fixture } from "./_vectors.ts";

const PATH = "models/stories260K/stories260K-q8_0.gguf";
const tokenizer = loadTokenizer(await openGguf(bytesSource(fixture(PATH), PATH)));

/** Ids of the byte tokens of `bytes`. */
function byteIds(...bytes: number[]): number[] {
  return bytes.map((byte) => byte + 3);
}

test("push() holds back bytes until their character is whole", () => {
  const detokenizer = createDetokenizer(tokenizer);
  const [f0, b9, a6, x99] = byteIds(0xf0, 0x9f, 0xa6, 0x99);
  assert.deepEqual(
    [f0, b9, a6, x99].map((id) => detokenizer.push(id ?? 0)),
    ["", "", "", "\u{1f999}"],
  );
  assert.equal(detokenizer.flush(), "");
});

test("push() turns invalid bytes into U+FFFD as soon as they are known to be", () => {
  const detokenizer = createDetokenizer(tokenizer);
  assert.equal(detokenizer.push(byteIds(0xff)[0] ?? 0), "\ufffd");
  assert.equal(detokenizer.push(byteIds(0xe2)[0] ?? 0), "");
  assert.equal(detokenizer.push(403), "\ufffd Once");
  assert.equal(detokenizer.push(byteIds(0xc3)[0] ?? 0), "");
  assert.equal(detokenizer.flush(), "\ufffd");
  assert.equal(detokenizer.push(403), " Once", "starts anew");
});

test("the leading space stays for a continuation and goes for a text of its own", () => {
  const ids = tokenizer.encode("Once upon");
  const continuing = createDetokenizer(tokenizer);
  assert.equal([...ids].map((id) => continuing.push(id)).join(""), " Once upon");
  const own = createDetokenizer(tokenizer, { keepLeadingSpace: false });
  assert.equal([...ids].map((id) => own.push(id)).join(""), "Once upon");
});

test("what push() and flush() return, joined, equals decode() for any tokens", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(511), { maxLength: 60 }), fc.boolean(), (ids, keepLeadingSpace) => {
      const detokenizer = createDetokenizer(tokenizer, { keepLeadingSpace });
      const parts = ids.map((id) => detokenizer.push(id));
      parts.push(detokenizer.flush());
      assert.equal(parts.join(""), tokenizer.decode(ids, { keepLeadingSpace }));
      for (const part of parts) assert.ok(part.isWellFormed());
    }),
    { numRuns: runs(500) },
  );
});
