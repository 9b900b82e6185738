import assert from "node:assert/strict";
import { test } from "node:test";
import { identityFromSeed } from "../../src/identity/mod.ts";
import { StageError } from "../../src/stages/stage_error.ts";
import { decodeOpen, encodeOpen, isSigned } from "../../src/stages/stage_open.ts";
import type { StageOpen } from "../../src/stages/stage_open.ts";
import { openStatement, requester } from "./_frames.ts";

const open: StageOpen = { ...openStatement, stages: [...openStatement.stages] };
const links = new Uint8Array(64).fill(9);

test("decodeOpen() gives back what was signed, and isSigned() says by whom", async () => {
  const frame = decodeOpen(await encodeOpen({ open, links }, requester));
  assert.deepEqual(frame.open, open);
  assert.deepEqual(frame.links, links);
  assert.ok(isSigned(frame));
});

test("isSigned() says no when the statement, a link or the signature was changed", async () => {
  const bytes = await encodeOpen({ open, links }, requester);
  const version = new TextDecoder().decode(bytes).indexOf('"version":2') + '"version":'.length;
  for (const at of [version, bytes.length - 64 - 1, bytes.length - 1]) {
    const other = bytes.slice();
    other[at] = (other[at] ?? 0) ^ 1;
    assert.equal(isSigned(decodeOpen(other)), false);
  }
  const stranger = identityFromSeed(new Uint8Array(32).fill(8));
  assert.equal(isSigned(decodeOpen(await encodeOpen({ open, links }, stranger))), false);
});

test("decodeOpen() refuses stages that do not follow each other", async () => {
  const [first, second] = open.stages;
  assert.ok(first !== undefined && second !== undefined);
  const wrong = [
    [{ ...first, from: 1 }, second],
    [first, { ...second, from: 4 }],
    [first, { ...second, from: 2 }],
    [first, { ...second, to: 3 }],
    [first, { ...second, embedding: true }],
    [{ ...first, head: true }, second],
  ];
  for (const stages of wrong) {
    const bytes = await encodeOpen({ open: { ...open, stages }, links }, requester);
    assert.throws(() => decodeOpen(bytes), /does not follow/);
  }
});

test("decodeOpen() refuses a statement with a missing, wrong or unknown field by its name", async () => {
  const { payer: _, ...missing } = open;
  const wrong = [
    [missing, /"payer"/],
    [{ ...open, payer: "me" }, /"payer"/],
    [{ ...open, tip: 1 }, /"tip"/],
    [{ ...open, v: 2 }, /"v"/],
    [{ ...open, stages: [] }, /"stages"/],
  ] as const;
  for (const [statement, pattern] of wrong) {
    const bytes = await encodeOpen({ open: statement as unknown as StageOpen, links }, requester);
    assert.throws(() => decodeOpen(bytes), (thrown) => {
      return thrown instanceof StageError && thrown.code === "malformed" &&
        pattern.test(thrown.message);
    });
  }
});
