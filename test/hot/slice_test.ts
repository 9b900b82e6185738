import assert from "node:assert/strict";
import { test } from "node:test";
import { Blake3 } from "../../src/hot/blake3.ts";
import { HotError } from "../../src/hot/hot_error.ts";
import { OutboardBuilder } from "../../src/hot/outboard.ts";
import type { ContentTree } from "../../src/hot/outboard.ts";
import { sliceProof, verifySlice } from "../../src/hot/slice.ts";
import { bytesFrom } from "./_runs.ts";

const GROUP = 16_384;
const blake3 = new Blake3();

function contentOf(lengthBytes: number): { content: Uint8Array; tree: ContentTree } {
  const content = bytesFrom(lengthBytes, lengthBytes);
  const builder = new OutboardBuilder(blake3, lengthBytes);
  builder.add(content);
  return { content, tree: builder.finish() };
}

test("verifySlice() accepts every range of groups with its proof and the root alone", () => {
  for (const lengthBytes of [10, GROUP, 2 * GROUP, 5 * GROUP + 1, 8 * GROUP, 11 * GROUP + 999]) {
    const { content, tree } = contentOf(lengthBytes);
    const groups = Math.ceil(lengthBytes / GROUP);
    for (let first = 0; first < groups; first++) {
      for (let count = 1; first + count <= groups; count++) {
        const range = { first, count };
        const bytes = content.subarray(first * GROUP, (first + count) * GROUP);
        const { root } = tree;
        verifySlice(blake3, { root, lengthBytes }, {
          range,
          bytes,
          proof: sliceProof(tree, range),
        });
      }
    }
  }
});

test("verifySlice() finds each single byte flipped in proof, root and bytes", () => {
  const { content, tree } = contentOf(7 * GROUP + 50);
  const range = { first: 6, count: 2 };
  const slice = {
    range,
    bytes: content.slice(6 * GROUP),
    proof: sliceProof(tree, range),
  };
  function refused(code: string): (error: unknown) => boolean {
    return (error) => error instanceof HotError && error.code === code;
  }
  for (let i = 0; i < slice.proof.length; i++) {
    const proof = slice.proof.slice();
    proof[i] = (proof[i] ?? 0) ^ 1;
    assert.throws(() => verifySlice(blake3, tree, { ...slice, proof }), refused("wrong-outboard"));
  }
  for (let i = 0; i < 32; i++) {
    const root = tree.root.slice();
    root[i] = (root[i] ?? 0) ^ 0x80;
    assert.throws(() => verifySlice(blake3, { ...tree, root }, slice), refused("wrong-outboard"));
  }
  const bytes = slice.bytes.slice();
  for (let i = 0; i < bytes.length; i++) {
    const kept = bytes[i] ?? 0;
    bytes[i] = kept ^ (1 << (i % 8));
    const offsetBytes = (6 + Math.floor(i / GROUP)) * GROUP;
    assert.throws(() => verifySlice(blake3, tree, { ...slice, bytes }), {
      code: "wrong-group",
      offsetBytes,
    });
    bytes[i] = kept;
  }
});

test("verifySlice() refuses ranges beyond the content, and lengths that do not fit", () => {
  const { content, tree } = contentOf(3 * GROUP);
  const range = { first: 1, count: 1 };
  const bytes = content.subarray(GROUP, 2 * GROUP);
  const proof = sliceProof(tree, range);
  assert.throws(() => sliceProof(tree, { first: 2, count: 2 }), RangeError);
  assert.throws(() => sliceProof(tree, { first: 0, count: 0 }), RangeError);
  assert.throws(() => sliceProof(tree, { first: -1, count: 1 }), RangeError);
  assert.throws(() => verifySlice(blake3, tree, { range, bytes: bytes.subarray(1), proof }), {
    code: "wrong-length",
  });
  assert.throws(() => verifySlice(blake3, tree, { range, bytes, proof: proof.subarray(64) }), {
    code: "wrong-length",
  });
  const moved = { range: { first: 0, count: 1 }, bytes, proof };
  assert.throws(() => verifySlice(blake3, tree, moved), HotError);
});
