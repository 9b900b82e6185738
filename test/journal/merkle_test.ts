/** The tree: roots and proofs against RFC 6962's definition. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import process from "node:process";
import { isConsistent, isIncluded, TreeEdge } from "../../src/journal/mod.ts";
import { consistencyRanges, inclusionRanges, ProofMaker } from "../../src/journal/tree_proofs.ts";

const RUNS = Number(process.env["SKEP_TEST_RUNS"] ?? 1);

function sha(...parts: Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

/** RFC 6962 section 2.1, word for word. */
function treeHash(leaves: readonly Uint8Array[]): Uint8Array {
  const [only] = leaves;
  if (only === undefined) return sha();
  if (leaves.length === 1) return sha(Uint8Array.of(0), only);
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  return sha(
    Uint8Array.of(1),
    treeHash(leaves.slice(0, split)),
    treeHash(leaves.slice(split)),
  );
}

const leaves: readonly Uint8Array[] = Array.from(
  { length: 70 },
  (_, i) => sha(Uint8Array.of(i)),
);
const roots = Array.from({ length: 71 }, (_, size) => treeHash(leaves.slice(0, size)));

function edgeOf(size: number): TreeEdge {
  const edge = new TreeEdge();
  for (const leaf of leaves.slice(0, size)) edge.append(leaf);
  return edge;
}

function proofOf(
  kind: "consistency" | "inclusion",
  about: { readonly boundary: number; readonly size: number; readonly start: number },
): Uint8Array[] {
  const { boundary, size, start } = about;
  const ranges = kind === "consistency"
    ? consistencyRanges(boundary, size)
    : inclusionRanges(boundary, size);
  const maker = new ProofMaker({ ranges, boundary, edge: edgeOf(start) });
  for (const leaf of leaves.slice(start, size)) maker.push(leaf);
  const proof = maker.proof();
  assert.ok(proof, `${kind} ${boundary} of ${size} from ${start}`);
  return proof;
}

const rootAt = (size: number): Uint8Array => roots[size] ?? new Uint8Array(0);

test("TreeEdge has the root of RFC 6962 at every size, also when it goes on from its peaks", () => {
  for (let size = 0; size <= 70; size++) {
    const edge = edgeOf(size);
    assert.deepEqual(edge.root(), rootAt(size));
    const again = new TreeEdge({ size, peaks: edge.peaks });
    for (const leaf of leaves.slice(size)) again.append(leaf);
    assert.deepEqual(again.root(), rootAt(70));
    assert.deepEqual(edge.root(), rootAt(size), "a copy of the peaks is left as it is");
  }
  assert.throws(() => new TreeEdge({ size: 3, peaks: [sha()] }), RangeError);
  assert.throws(() => new TreeEdge({ size: 1, peaks: [new Uint8Array(31)] }), RangeError);
});

test("every consistency proof holds, from every edge before it, and for nothing else", () => {
  for (let size = 1; size <= 34; size++) {
    for (let boundary = 0; boundary <= size; boundary++) {
      const starts = new Set([0, boundary >> 1, boundary]);
      const proofs = [...starts].map((start) => proofOf("consistency", { boundary, size, start }));
      for (const other of proofs) assert.deepEqual(other, proofs[0]);
      const [proof = []] = proofs;
      const claim = {
        ...{ oldSize: boundary, oldRoot: rootAt(boundary), newSize: size, newRoot: rootAt(size) },
        proof,
      };
      const where = `${boundary} of ${size}`;
      assert.ok(isConsistent(claim), where);
      assert.ok(!isConsistent({ ...claim, oldRoot: sha() }) || boundary === 0, where);
      if (boundary > 0) assert.ok(!isConsistent({ ...claim, newRoot: sha(sha()) }), where);
      assert.ok(!isConsistent({ ...claim, proof: [...proof, sha()] }), where);
      assert.ok(proof.length === 0 || !isConsistent({ ...claim, proof: proof.slice(1) }), where);
      if (boundary > 1 && boundary < size) {
        assert.ok(!isConsistent({ ...claim, oldSize: boundary - 1 }), where);
      }
    }
  }
});

test("every inclusion proof holds, from every edge before it, and for no other leaf", () => {
  for (let size = 1; size <= 34; size++) {
    for (let at = 0; at < size; at++) {
      const leaf = leaves[at] ?? sha();
      const root = rootAt(size);
      for (const start of new Set([0, at >> 1, at])) {
        const proof = proofOf("inclusion", { boundary: at, size, start });
        assert.ok(isIncluded({ root, size, at, leaf, proof }));
        assert.ok(!isIncluded({ root, size, at, leaf: sha(), proof }));
        assert.ok(!isIncluded({ root, size, at: (at + 1) % (size + 1), leaf, proof }));
        assert.ok(!isIncluded({ root, size, at, leaf, proof: [...proof, sha()] }));
      }
    }
  }
});

test("no mutation of a proof passes, and none throws", () => {
  const node = fc.uint8Array({ minLength: 0, maxLength: 34 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 69 }),
      fc.integer({ min: -2, max: 2 ** 53 }),
      fc.array(node, { maxLength: 130 }),
      (boundary, size, proof) => {
        const [oldRoot, newRoot] = [rootAt(boundary), rootAt(70)];
        const wild = { oldSize: boundary, oldRoot, newSize: size, newRoot, proof };
        assert.ok(!isConsistent(wild));
        const leaf = leaves[boundary] ?? sha();
        assert.ok(!isIncluded({ root: newRoot, size, at: boundary, leaf, proof }));
      },
    ),
    { numRuns: 300 * RUNS },
  );
  const good = proofOf("consistency", { boundary: 23, size: 70, start: 0 });
  const claim = { oldSize: 23, oldRoot: rootAt(23), newSize: 70, newRoot: rootAt(70) };
  for (let i = 0; i < good.length; i++) {
    for (let bit = 0; bit < 256; bit += 37) {
      const proof = good.map((one) => one.slice());
      const target = proof[i];
      if (target !== undefined) target[bit >> 3] = (target[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.ok(!isConsistent({ ...claim, proof }));
    }
  }
});
