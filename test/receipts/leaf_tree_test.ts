import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { encodeHex } from "../../src/hot/mod.ts";
import { isInTree, LeafTree } from "../../src/receipts/mod.ts";

/** Section 2.1 of RFC 6962, word for word. */
function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  const hash = createHash("sha256");
  const [only] = leaves;
  if (only !== undefined && leaves.length === 1) hash.update(Uint8Array.of(0)).update(only);
  if (leaves.length > 1) {
    let split = 1;
    while (2 * split < leaves.length) split *= 2;
    hash.update(Uint8Array.of(1)).update(rootOf(leaves.slice(0, split)));
    hash.update(rootOf(leaves.slice(split)));
  }
  return new Uint8Array(hash.digest());
}

function leavesOf(count: number): Uint8Array[] {
  return Array.from(
    { length: count },
    (_, i) => new Uint8Array(createHash("sha256").update(`leaf ${i}`).digest()),
  );
}

test("roots are those of RFC 6962 for every count, also after cutting back and growing again", () => {
  const leaves = leavesOf(70);
  for (let count = 0; count <= 70; count++) {
    const tree = new LeafTree();
    for (const leaf of leaves.slice(0, count)) tree.append(leaf);
    assert.deepEqual(tree.root(), rootOf(leaves.slice(0, count)), `${count} leaves`);
    const back = Math.floor(count / 3);
    const unasked = new LeafTree();
    for (const leaf of leaves.slice(0, count)) unasked.append(leaf);
    unasked.truncate(back);
    assert.deepEqual(unasked.root(), rootOf(leaves.slice(0, back)), `${count} cut, never asked`);
    tree.truncate(back);
    assert.deepEqual(tree.root(), rootOf(leaves.slice(0, back)), `${count} cut to ${back}`);
    tree.append(leavesOf(5)[4] ?? new Uint8Array());
    const other = [...leaves.slice(0, back), leavesOf(5)[4] ?? new Uint8Array()];
    assert.deepEqual(tree.root(), rootOf(other), `${count} cut to ${back} and grown`);
  }
});

test("the empty tree's root is SHA-256 of nothing", () => {
  const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
  assert.equal(encodeHex(new LeafTree().root()), empty);
});

test("a path shows its leaf, and no other leaf, index, size or changed path", () => {
  const count = fc.integer({ min: 1, max: 40 });
  fc.assert(fc.property(count, fc.nat(), fc.nat(), (size, pick, flip) => {
    const tree = new LeafTree();
    for (const leaf of leavesOf(size)) tree.append(leaf);
    const at = pick % size;
    const proof = { root: tree.root(), count: size, at, leaf: tree.leaf(at), path: tree.path(at) };
    assert(isInTree(proof));
    for (let other = -1; other <= size; other++) {
      if (other !== at) assert(!isInTree({ ...proof, at: other }), `index ${other} for ${at}`);
    }
    assert(!isInTree({ ...proof, leaf: tree.leaf(at).fill(1) }));
    if (proof.path.length === 0) return;
    const path = proof.path.slice();
    const byte = flip % path.length;
    path[byte] = (path[byte] ?? 0) ^ 1;
    assert(!isInTree({ ...proof, path }));
    assert(!isInTree({ ...proof, path: proof.path.subarray(32) }));
    const longer = new Uint8Array(proof.path.length + 32);
    longer.set(proof.path);
    assert(!isInTree({ ...proof, path: longer }));
  }));
});

test("leaves of another length, and cuts beyond the end, are refused", () => {
  const tree = new LeafTree();
  assert.throws(() => tree.append(new Uint8Array(33)), RangeError);
  assert.throws(() => tree.truncate(1), RangeError);
  assert.throws(() => tree.path(0), RangeError);
});
