import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantiateKernels, kernelMemory } from "../../../src/engine/_module.ts";
import { philox } from "../../../src/engine/reference/philox.ts";
import type { Words } from "../../../src/engine/reference/philox.ts";

/** Known answers of Random123's kat_vectors, "philox4x32 10": counter, key, result. */
const vectors: readonly (readonly [Words, readonly [number, number], Words])[] = [
  [[0, 0, 0, 0], [0, 0], [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8]],
  [
    [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    [0xffffffff, 0xffffffff],
    [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  ],
  [
    [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    [0xa4093822, 0x299f31d0],
    [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  ],
];

const memory = kernelMemory(1);
const kernels = instantiateKernels(memory);

function philoxInWasm(counter: Words, key: readonly [number, number]): number[] {
  const block = new Uint32Array(memory.buffer, 4096, 4);
  block.set(counter);
  kernels.philoxBlock(4096, key[0], key[1]);
  return [...block];
}

test("philox() gives the published answers, in TypeScript and in WASM", () => {
  for (const [counter, key, expected] of vectors) {
    assert.deepEqual(philox(counter, key), expected);
    assert.deepEqual(philoxInWasm(counter, key), expected);
  }
});

test("philox() is the same in TypeScript and in WASM", () => {
  const word = fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(fc.tuple(word, word, word, word), fc.tuple(word, word), (counter, key) => {
      assert.deepEqual(philoxInWasm(counter, key), philox(counter, key));
    }),
  );
});
