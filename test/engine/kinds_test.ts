/**
 * Packed matrices of every format: what repacking keeps, and what a row is as f32, against blocks
 * that the reference decodes, from random bytes.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { fileRowBytes, groupBytes, kindOf } from "../../src/engine/_kinds.ts";
import { instantiateKernels } from "../../src/engine/_module.ts";
import { matrixTypes } from "../../src/engine/_tensors.ts";
import { dequantisedRow } from "../../src/engine/reference/_weights.ts";
import { choiceOf, columnsOf, decodedMatrix, probes, randomRows } from "./_matrices.ts";
import { assertSameBits } from "./_executor_contract.ts";
import { fixtureRuns } from "./_runs.ts";

const memory = new WebAssembly.Memory({ initial: 20 });
const kernels = instantiateKernels(memory);
const srcPtr = 4096;
const dstPtr = 512 * 1024;
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

  test(`repack() counts what is not finite in ${type}`, () => {
    const columns = 2 * columnsOf(type);
    const rows = 11;
    const bytes = randomRows(type, { columns, rows, seed: 5, notFinite: 3 });
    new Uint8Array(memory.buffer).set(bytes, srcPtr);
    const kind = kindOf(type, choiceOf("neither"));
    assert.equal(kernels.repack(kind, dstPtr, srcPtr, columns, rows), 3);
  });
}
