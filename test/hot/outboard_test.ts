import assert from "node:assert/strict";
import { test } from "node:test";
import { Blake3 } from "../../src/hot/blake3.ts";
import { encodeHex } from "../../src/hot/hex.ts";
import { HotError } from "../../src/hot/hot_error.ts";
import { OutboardBuilder, outboardBytes, VerifiedOutboard } from "../../src/hot/outboard.ts";
import type { ContentTree } from "../../src/hot/outboard.ts";
import { bytesFrom, KERNELS } from "./_runs.ts";

const GROUP = 16_384;
const blake3 = new Blake3();

function treeOf(content: Uint8Array, by: Blake3 = blake3): ContentTree {
  const builder = new OutboardBuilder(by, content.length);
  for (let at = 0; at < content.length; at += 5 * GROUP) {
    builder.add(content.subarray(at, at + 5 * GROUP));
  }
  return builder.finish();
}

for (const kernel of KERNELS) {
  test(`OutboardBuilder (${kernel}) leads to the content's digest for any number of groups`, () => {
    const by = new Blake3({ kernel });
    const lengths = [0, 1, GROUP - 1, GROUP, GROUP + 1, 2 * GROUP, 3 * GROUP + 5, 4 * GROUP];
    const longer = [5 * GROUP + 1, 7 * GROUP, 9 * GROUP + 1024, 16 * GROUP, 21 * GROUP + 77];
    for (const length of kernel === "wasm" ? [...lengths, ...longer] : lengths.slice(0, 7)) {
      const content = bytesFrom(length, length);
      const tree = treeOf(content, by);
      assert.equal(encodeHex(tree.root), blake3.hashHex(content), `${length} bytes`);
      assert.equal(tree.outboard.length, outboardBytes(length));
      const verified = new VerifiedOutboard(by, tree);
      for (let at = 0; at < length; at += GROUP) {
        verified.verify(content.subarray(at, at + GROUP), at);
      }
    }
  });
}

test("VerifiedOutboard finds each single byte flipped, in the outboard and in the content", () => {
  const content = bytesFrom(4, 6 * GROUP + 300);
  const tree = treeOf(content);
  for (let i = 0; i < tree.outboard.length; i++) {
    const outboard = tree.outboard.slice();
    outboard[i] = (outboard[i] ?? 0) ^ (1 << (i % 8));
    assert.throws(() => new VerifiedOutboard(blake3, { ...tree, outboard }), (error: unknown) => {
      return error instanceof HotError && error.code === "wrong-outboard";
    });
  }
  const verified = new VerifiedOutboard(blake3, tree);
  const flipped = content.slice();
  for (let i = 0; i < flipped.length; i += i < 70 || i > 6 * GROUP - 70 ? 1 : 509) {
    flipped[i] = (flipped[i] ?? 0) ^ 0x10;
    const group = Math.floor(i / GROUP) * GROUP;
    assert.throws(() => verified.verify(flipped, 0), { code: "wrong-group", offsetBytes: group });
    const alone = flipped.subarray(group, group + GROUP);
    assert.throws(() => verified.verify(alone, group), { code: "wrong-group", offsetBytes: group });
    flipped[i] = content[i] ?? 0;
  }
  verified.verify(flipped, 0);
});

test("VerifiedOutboard accepts a group only at its own place", () => {
  const content = bytesFrom(9, 3 * GROUP);
  const verified = new VerifiedOutboard(blake3, treeOf(content));
  verified.verify(content.subarray(GROUP, 3 * GROUP), GROUP);
  assert.throws(() => verified.verify(content.subarray(0, GROUP), GROUP), { offsetBytes: GROUP });
  const outside: readonly (readonly [number, number, number])[] = [
    [0, 100, 0],
    [0, GROUP, 1],
    [0, 0, 0],
    [2 * GROUP, 3 * GROUP, 3 * GROUP],
    [0, GROUP, -GROUP],
  ];
  for (const [from, to, at] of outside) {
    assert.throws(() => verified.verify(content.subarray(from, to), at), RangeError);
  }
});

test("VerifiedOutboard refuses lengths that do not belong together", () => {
  const content = bytesFrom(1, 2 * GROUP);
  const tree = treeOf(content);
  assert.throws(() => new VerifiedOutboard(blake3, { ...tree, lengthBytes: 5 * GROUP }), {
    code: "wrong-length",
  });
  const root = tree.root.subarray(1);
  assert.throws(() => new VerifiedOutboard(blake3, { ...tree, root }), RangeError);
  // As many groups, another length: the last group is then another one.
  const shorter = new VerifiedOutboard(blake3, { ...tree, lengthBytes: 2 * GROUP - 1 });
  assert.throws(() => shorter.verify(content.subarray(GROUP, 2 * GROUP - 1), GROUP), HotError);
});

test("OutboardBuilder refuses pieces that end inside a group, and lengths out of range", () => {
  const builder = new OutboardBuilder(blake3, 3 * GROUP);
  assert.throws(() => builder.add(new Uint8Array(100)), RangeError);
  assert.throws(() => builder.add(new Uint8Array(4 * GROUP)), RangeError);
  builder.add(new Uint8Array(GROUP));
  assert.throws(() => builder.finish(), /bytes are expected/);
  assert.throws(() => new OutboardBuilder(blake3, -1), RangeError);
  assert.throws(() => new OutboardBuilder(blake3, 1.5), RangeError);
  assert.throws(() => new OutboardBuilder(blake3, 2 ** 36 + 1), RangeError);
});

test("an outboard is the pairs of its tree in pre-order", () => {
  const content = bytesFrom(12, 3 * GROUP);
  const values = new Uint8Array(96);
  blake3.groupValuesInto(content, 0, values);
  const { outboard, root } = treeOf(content);
  const left = new Uint8Array(32);
  blake3.parentInto(values.subarray(0, 64), false, left);
  assert.equal(
    encodeHex(outboard),
    encodeHex(left) + encodeHex(values, 64) + encodeHex(values, 0, 64),
  );
  const top = new Uint8Array(32);
  blake3.parentInto(outboard.subarray(0, 64), true, top);
  assert.equal(encodeHex(top), encodeHex(root));
});
