/** What heads and answers about journals show, and what is kept of them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeHex } from "../../src/hot/mod.ts";
import { TreeEdge } from "../../src/journal/mod.ts";
import type { SignedLogHead } from "../../src/journal/mod.ts";
import { judgeAnswer, judgeHead, LogHeads } from "../../src/mesh/mod.ts";
import type { LogEvidence } from "../../src/mesh/mod.ts";

const key = "ab".repeat(32);

function headOf(
  size: number,
  about: { readonly tsMs?: number; readonly root?: string } = {},
): SignedLogHead {
  const { tsMs = size, root = size.toString(16).padStart(64, "0") } = about;
  return { size, root, tsMs, signature: "00".repeat(64) };
}

const evidenceOf = (size: number, kind: "fork" | "shrink" = "fork"): LogEvidence => ({
  ...{ kind, atMs: 1, earlier: headOf(size), later: headOf(size + 1), why: "it did" },
});

test("judgeHead() takes two roots of one size for a fork, whenever they come, and late heads for nothing", () => {
  const known = headOf(10);
  const judge = (head: SignedLogHead, isHello = false): string =>
    judgeHead(known, { head, isHello }).kind;
  assert.equal(judge(headOf(10, { tsMs: 99 })), "same");
  assert.equal(judge(headOf(10, { root: "f".repeat(64), tsMs: 1 })), "fork");
  assert.equal(judge(headOf(11)), "ask");
  assert.equal(judge(headOf(9)), "late");
  assert.equal(judge(headOf(9, { tsMs: 11 })), "ask", "a smaller one that was signed later");
  assert.equal(judge(headOf(9), true), "ask", "a hello is of now");
});

test("judgeAnswer() tells shrinks, forks and what is proven or not", () => {
  const [old, grown] = [new TreeEdge(), new TreeEdge()];
  const leaf = (i: number): Uint8Array => new Uint8Array(32).fill(i);
  old.append(leaf(1));
  grown.append(leaf(1));
  grown.append(leaf(2));
  const other = new TreeEdge();
  other.append(leaf(2));
  const known = headOf(1, { root: encodeHex(old.root()) });
  const head = headOf(2, { root: encodeHex(grown.root()) });
  const [, right = ""] = [0, encodeHex(other.root())];
  assert.equal(judgeAnswer(known, { head, proof: [right] }).kind, "proven");
  assert.equal(judgeAnswer(known, { head, proof: [encodeHex(old.root())] }).kind, "fork");
  assert.equal(judgeAnswer(known, { head, proof: [] }).kind, "fork");
  assert.equal(judgeAnswer(known, { head, proof: null }).kind, "unproved");
  assert.equal(judgeAnswer(head, { head: known, proof: null }).kind, "shrink");
  assert.equal(judgeAnswer(head, { head, proof: [] }).kind, "same");
  const lie = headOf(2);
  assert.equal(judgeAnswer(head, { head: lie, proof: [] }).kind, "fork");
});

test("LogHeads keeps the last head, asks about what came since, and forgets who left", () => {
  const heads = new LogHeads();
  assert.equal(heads.begin(key, headOf(5)), true);
  assert.equal(heads.begin(key, headOf(6)), false);
  for (const size of [7, 8, 8, 9, 10]) heads.wait(key, headOf(size));
  const asked = heads.questionFor(key);
  assert.deepEqual(asked.map(({ size }) => size), [5, 8, 9, 10], "the newest, each once");
  heads.wait(key, headOf(12));
  heads.settle(key, { head: headOf(11), asked, isUnproved: false });
  assert.deepEqual(heads.questionFor(key).map(({ size }) => size), [11, 12], "what came meanwhile");
  assert.deepEqual([heads.get(key)?.state, heads.get(key)?.provenFrom], ["ok", 5]);
  heads.settle(key, { head: headOf(20), asked: heads.questionFor(key), isUnproved: true });
  assert.deepEqual([heads.get(key)?.state, heads.get(key)?.provenFrom], ["unproved", 20]);
  assert.deepEqual(heads.waitingKeys(), []);
  const again = new LogHeads(heads.all());
  assert.deepEqual(again.all(), heads.all());
  heads.keepOnly(new Set());
  assert.deepEqual(heads.all(), []);
});

test("evidence is kept up to a number, each once, and stays until it is accepted", () => {
  const heads = new LogHeads();
  assert.equal(heads.blame(key, evidenceOf(1)), false, "of nobody");
  heads.begin(key, headOf(1));
  assert.equal(heads.blame(key, evidenceOf(1, "shrink")), true);
  assert.equal(heads.blame(key, evidenceOf(1, "shrink")), false);
  assert.equal(heads.get(key)?.state, "shrink");
  assert.equal(heads.blame(key, evidenceOf(2)), true);
  assert.equal(heads.blame(key, evidenceOf(3, "shrink")), true);
  heads.settle(key, { head: headOf(9), asked: [], isUnproved: false });
  assert.equal(heads.get(key)?.state, "fork", "the worse stays");
  assert.deepEqual([4, 5, 6].map((size) => heads.blame(key, evidenceOf(size))), [
    ...[true, false, false],
  ]);
  assert.deepEqual([heads.get(key)?.evidence.length, heads.get(key)?.findings], [4, 6]);
  assert.equal(heads.accept(key), true);
  assert.deepEqual(
    [heads.get(key)?.state, heads.get(key)?.evidence, heads.get(key)?.provenFrom],
    ["ok", [], 9],
  );
  assert.equal(heads.accept("cd".repeat(32)), false);
});
