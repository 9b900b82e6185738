/** Goal: no input makes a parser of the mesh do anything but take it or refuse it by name. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as v from "valibot";
import { openSigned, sealSigned } from "../../src/mesh/signed.ts";
import type { SignedKind } from "../../src/mesh/signed.ts";
import { MembershipError } from "../../src/mesh/mod.ts";
import { allParsers, identity, keyOf, mutate, mutations, runs, survives } from "./_mutations.ts";

const kind: SignedKind<unknown> = { purpose: "test", bytesMax: 4096, schema: v.unknown() };

function sign(purpose: string, bytes: Uint8Array): Uint8Array {
  return identity(1).sign(purpose, bytes);
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    assert(thrown instanceof MembershipError, String(thrown));
    return thrown.code;
  }
  return "taken";
}

test("every parser takes its good inputs, and survives what fast-check makes of them", async () => {
  for (const parser of await allParsers()) {
    for (const good of parser.inputs) assert.equal(survives(parser, good), true, parser.name);
    fc.assert(
      fc.property(fc.constantFrom(...parser.inputs), mutations, (good, changes) => {
        survives(parser, mutate(good, changes));
      }),
      runs(300),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void survives(parser, bytes)),
      runs(200),
    );
  }
});

test("what was sealed opens, by its key and purpose alone, and no changed byte does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ noUnicodeString: true }), mutations, async (made, changes) => {
      const value: unknown = JSON.parse(JSON.stringify(made));
      let bytes: Uint8Array;
      try {
        bytes = await sealSigned(kind, { value, sign });
      } catch {
        return; // An integer beyond 2^53 - 1, or deeper than documents are.
      }
      const key = keyOf(1);
      assert.deepEqual(openSigned(kind, { bytes, key }), JSON.parse(JSON.stringify(value)));
      assert.equal(codeOf(() => openSigned(kind, { bytes, key: keyOf(2) })), "signature");
      const other = { ...kind, purpose: "other" };
      assert.equal(codeOf(() => openSigned(other, { bytes, key })), "signature");
      const changed = mutate(bytes, changes);
      const isSame = changed.length === bytes.length && changed.every((b, i) => b === bytes[i]);
      if (!isSame) {
        assert.notEqual(codeOf(() => openSigned(kind, { bytes: changed, key })), "taken");
      }
    }),
    runs(100),
  );
});

test("a signed text that is not canonical is refused, though its signature holds", () => {
  for (const text of ['{"b":1,"a":2}', '{"a":1, "b":2}', '{"a":1,"a":1}', "[1.0]", "nothing"]) {
    const body = new TextEncoder().encode(text);
    const bytes = new Uint8Array(64 + body.length);
    bytes.set(sign("test", body));
    bytes.set(body, 64);
    assert.equal(codeOf(() => openSigned(kind, { bytes, key: keyOf(1) })), "malformed", text);
  }
  const long = new Uint8Array(5000);
  assert.equal(codeOf(() => openSigned(kind, { bytes: long, key: keyOf(1) })), "too-long");
});
