/**
 * Packed matrices of every format: what repacking keeps, and what a row is as f32, against blocks
 * that the reference decodes, from random bytes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SeededBits } from "../../bench/models/seeded_bits.ts";
import { fileRowBytes, groupBytes, isQuantised, kindOf } from "../../src/engine/_kinds.ts";
import type { Kind } from "../../src/engine/_kinds.ts";
import { instantiateKernels, kernelMemory } from "../../src/engine/_module.ts";
import type { Kernels } from "../../src/engine/_module.ts";
import { matrixTypes } from "../../src/engine/_tensors.ts";
import { multiply } from "../../src/engine/reference/products.ts";
import { dequantisedRow } from "../../src/engine/reference/weights.ts";
import { choiceOf, columnsOf, decodedMatrix, probes, randomRows } from "./_matrices.ts";
import { assertSameBits } from "./_executor_contract.ts";
import { fixtureRuns } from "./_runs.ts";

const memory = kernelMemory(20);
const kernels = instantiateKernels(memory);
const plainKernels = instantiateKernels(memory, "plain");
const srcPtr = 4096;
const dstPtr = 512 * 1024;
const xPtr = 896 * 1024;
const bytesPtr = 960 * 1024;
const wordsPtr = 976 * 1024;
const metaPtr = 1008 * 1024;
const outPtr = 1024 * 1024;

for (const type of matrixTypes) {
  test(`repack() and dequantiseRow() keep every element of ${type}`, () => {
    const property = fc.property(
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 19 }),
      fc.integer(),
      fc.constantFrom(...probes),
      (blocks, rows, seed, probe) => {
        const columns = blocks * columnsOf(type);
        const bytes = randomRows(type, { columns, rows, seed });
        const matrix = decodedMatrix(type, { columns, rows, bytes });
        const kind = kindOf(type, choiceOf(probe));
        assert.equal(bytes.length, rows * fileRowBytes(type, columns));
        new Uint8Array(memory.buffer).set(bytes, srcPtr);
        new Uint8Array(memory.buffer).fill(0xff, dstPtr, outPtr);
        assert.equal(kernels.repack(kind, dstPtr, srcPtr, columns, rows), 0);
        const packedBytes = Math.ceil(rows / 8) * groupBytes(kind, columns);
        const guard = new Uint8Array(memory.buffer, dstPtr + packedBytes, 64);
        assert.ok(guard.every((byte) => byte === 0xff), "repack() wrote beyond its groups");
        for (let row = 0; row < rows; row++) {
          const group = dstPtr + Math.floor(row / 8) * groupBytes(kind, columns);
          kernels.dequantiseRow(kind, outPtr, group, row % 8, columns);
          const out = new Float32Array(memory.buffer, outPtr, columns);
          assertSameBits(out, dequantisedRow(matrix, row), `row ${row}`);
        }
      },
    );
    fc.assert(property, { numRuns: fixtureRuns(25) });
  });

  test(`multiply() has the reference's bits for ${type}, whatever the probe and the build`, () => {
    const property = fc.property(
      fc.record({
        blocks: fc.integer({ min: 1, max: 3 }),
        rows: fc.integer({ min: 1, max: 50 }),
        positions: fc.integer({ min: 1, max: 7 }),
        seed: fc.integer(),
        add: fc.boolean(),
      }),
      ({ blocks, rows, positions, seed, add }) => {
        const columns = blocks * columnsOf(type);
        const bytes = randomRows(type, { columns, rows, seed });
        const matrix = decodedMatrix(type, { columns, rows, bytes });
        const x = randomActivations(columns * positions, seed);
        const y = randomActivations(rows, seed + 1);
        const expected = Array.from({ length: positions }, (_, t) => {
          const product = multiply(matrix, x.subarray(t * columns, (t + 1) * columns));
          return add ? product.map((value, row) => (y[row] ?? NaN) + value) : product;
        });
        for (const each of [kernels, plainKernels]) {
          for (const probe of probes) {
            const kind = kindOf(type, choiceOf(probe, each.relaxed() === 1));
            new Uint8Array(memory.buffer).set(bytes, srcPtr);
            assert.equal(each.repack(kind, dstPtr, srcPtr, columns, rows), 0);
            const at = { kind, columns, rows, positions, add };
            const actual = run(each, { ...at, x, y });
            actual.forEach((row, t) => {
              assertSameBits(
                row,
                expected[t] ?? row,
                `position ${t}, probe ${probe}, kind ${kind}`,
              );
            });
          }
        }
      },
    );
    fc.assert(property, { numRuns: fixtureRuns(25) });
  });

  test(`repack() counts what is not finite in ${type}`, () => {
    const columns = 2 * columnsOf(type);
    const rows = 11;
    const bytes = randomRows(type, { columns, rows, seed: 5, notFinite: 3 });
    new Uint8Array(memory.buffer).set(bytes, srcPtr);
    const kind = kindOf(type, choiceOf("neither"));
    assert.equal(kernels.repack(kind, dstPtr, srcPtr, columns, rows), 3);
  });
}

/** A product by the kernels: rows of results, added to `y` if asked. */
function run(
  { quantise, multiply }: Kernels,
  { kind, columns, rows, positions, add, x, y }: {
    readonly kind: Kind;
    readonly columns: number;
    readonly rows: number;
    readonly positions: number;
    readonly add: boolean;
    readonly x: Float32Array;
    readonly y: Float32Array;
  },
): readonly Float32Array[] {
  const groups = Math.ceil(rows / 8);
  const outStride = groups * 32;
  new Float32Array(memory.buffer, xPtr, x.length).set(x);
  for (let t = 0; t < positions; t++) {
    new Float32Array(memory.buffer, outPtr + t * outStride, rows).set(y);
    if (!isQuantised(kind)) continue;
    const [bytes, words, meta] = [
      bytesPtr + t * columns,
      wordsPtr + t * columns * 2,
      metaPtr + t * columns / 2,
    ];
    quantise(xPtr + t * columns * 4, bytes, words, meta, columns);
  }
  const half = groups >> 1;
  for (const [from, to] of [[0, half], [half, groups]] as const) {
    const operands = [xPtr, columns * 4, bytesPtr, wordsPtr, metaPtr] as const;
    const place = [kind, outPtr, outStride, dstPtr, columns, from, to] as const;
    multiply(...place, positions, Number(add), ...operands);
  }
  return Array.from({ length: positions }, (_, t) => {
    return new Float32Array(memory.buffer, outPtr + t * outStride, rows).slice();
  });
}

/** Values about zero with a block of zeros, as after an activation function. */
function randomActivations(count: number, seed: number): Float32Array {
  const bits = new SeededBits(seed);
  const scale = 2 ** (bits.next() % 8);
  return Float32Array.from({ length: count }, (_, i) => {
    const value = bits.signedUnit() * scale;
    return i >= 32 && i < 64 && seed % 4 === 0 ? 0 : value;
  });
}
