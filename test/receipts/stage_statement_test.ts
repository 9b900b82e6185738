/** Goal: a stage's statement is read as it was signed, has one size, and no changed byte is taken. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex } from "../../src/hot/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import {
  openStageStatement,
  parseReceipt,
  ReceiptError,
  signStageStatement,
  stagesDigest,
  stageStatementBytesMax,
} from "../../src/receipts/mod.ts";
import type { StageStatement } from "../../src/receipts/mod.ts";

const signer = identityFromSeed(new Uint8Array(32).fill(3));
const runs = 30 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

const digits = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => encodeHex(bytes));
const spans = (max: number): fc.Arbitrary<{ from: number; to: number }> =>
  fc.tuple(fc.nat(max), fc.nat(max)).map(([a, b]) => ({
    from: Math.min(a, b),
    to: Math.max(a, b),
  }));

const statements: fc.Arbitrary<StageStatement> = fc.record({
  opening: digits,
  stage: fc.constant(encodeHex(signer.publicKey)),
  embedding: fc.boolean(),
  layers: spans(0xffff),
  positions: spans(2 ** 24),
  inputRoot: digits,
  outputRoot: digits,
  serial: fc.integer({ min: 1, max: 0xffffffff }),
  signedAtMs: fc.nat(2 ** 48),
  last: fc.option(fc.record({ span: spans(2 ** 24), root: digits }), { nil: undefined }),
}).map(({ last, ...rest }) => ({
  ...rest,
  head: last !== undefined,
  logits: last === undefined ? undefined : { ...last.span, root: last.root },
}));

function refused(signed: string, message: RegExp): void {
  assert.throws(
    () => openStageStatement(signed),
    (thrown) => thrown instanceof ReceiptError && message.test(thrown.message),
  );
}

test("a statement is read as it was signed, and its size is of two", () =>
  fc.assert(
    fc.asyncProperty(statements, async (statement) => {
      const signed = await signStageStatement(statement, signer);
      assert.deepEqual(openStageStatement(signed), statement);
      assert.equal(signed.length, statement.logits === undefined ? 291 : 344);
    }),
    { numRuns: runs },
  ));

test("no changed character, missing end or other spelling of a statement is taken", () =>
  fc.assert(
    fc.asyncProperty(statements, fc.nat(), fc.nat(), async (statement, where, which) => {
      const signed = await signStageStatement(statement, signer);
      const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= ";
      const at = where % signed.length;
      const letter = letters.charAt(which % letters.length);
      const changed = signed.slice(0, at) + letter + signed.slice(at + 1);
      if (changed !== signed) refused(changed, /^Cannot (?:read|trust) /);
      refused(signed.slice(0, at), /^Cannot read /);
      refused(`${signed}A`, /^Cannot read /);
    }),
    { numRuns: runs },
  ));

test("random bytes are refused", () =>
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: stageStatementBytesMax }), (bytes) => {
      refused(Buffer.from(bytes).toString("base64url"), /^Cannot (?:read|trust) /);
      bytes.set([2, 0].slice(0, bytes.length));
      refused(Buffer.from(bytes).toString("base64url"), /^Cannot (?:read|trust) /);
    }),
    { numRuns: 10 * runs },
  ));

test("other versions of statement and receipt are refused by their name", () => {
  refused(
    Buffer.from([1, 2, 3]).toString("base64url"),
    /version 1 and this release reads version 2/,
  );
  const request = { statement: "{}", signature: "0".repeat(128) };
  const old = JSON.stringify({ kind: "skep-receipt/1", request, stages: [] });
  assert.throws(() => parseReceipt(old), /skep-receipt\/1/);
});

test("what stages signed has another digest in another order, and the same with other signatures", async () => {
  const [one, two] = await Promise.all(
    fc.sample(statements, 2).map(async (statement) => await signStageStatement(statement, signer)),
  );
  assert.ok(one !== undefined && two !== undefined);
  assert.notEqual(stagesDigest([one, two]), stagesDigest([two, one]));
  const bytes = Buffer.from(one, "base64url");
  bytes.fill(0, bytes.length - 64);
  assert.equal(stagesDigest([bytes.toString("base64url")]), stagesDigest([one]));
});

test("numbers that have no room are not signed for", async () => {
  const [statement] = fc.sample(statements, 1);
  assert.ok(statement !== undefined);
  const large = { ...statement, layers: { from: 0, to: 65_536 } };
  await assert.rejects(signStageStatement(large, signer), RangeError);
});
