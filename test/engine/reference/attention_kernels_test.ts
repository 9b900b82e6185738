/**
 * The attention kernel against the reference, bit for bit: random shapes, groups of heads, chunks,
 * windows, caps, encoders, keys and values as f32 and as f16. Pages lie in random order, and what
 * no position was written to is NaN, so that reading it into a result is found out.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantiateKernels, kernelMemory } from "../../../src/engine/_module.ts";
import type { Build, Kernels } from "../../../src/engine/_module.ts";
import { attend } from "../../../src/engine/reference/_attention.ts";
import { toHalf } from "../../../src/engine/reference/functions.ts";
import { fixtureRuns } from "../_runs.ts";

const memory = kernelMemory(2 ** 10);
const builds = new Map<Build, Kernels>([
  ["best", instantiateKernels(memory)],
  ["plain", instantiateKernels(memory, "plain")],
]);

interface Case {
  readonly group: number;
  readonly kvHeads: number;
  readonly headWidth: number;
  readonly firstPosition: number;
  readonly rows: number;
  readonly isCausal: boolean;
  readonly window: number;
  readonly cap: number;
  readonly half: boolean;
  /** Key heads are computed in two calls, cut here. */
  readonly cut: number;
  readonly seed: number;
}

const anyCase: fc.Arbitrary<Case> = fc.record({
  group: fc.integer({ min: 1, max: 9 }),
  kvHeads: fc.integer({ min: 1, max: 3 }),
  headWidth: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.constantFrom(64, 72, 80)),
  firstPosition: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 140 })),
  rows: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 40 })),
  isCausal: fc.boolean(),
  window: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 })),
  cap: fc.constantFrom(0, 0, 2.5, 50),
  half: fc.boolean(),
  cut: fc.integer({ min: 0, max: 3 }),
  seed: fc.integer({ min: 0, max: 2 ** 31 }),
});

test("attend() has the reference's bits for any shape, chunk, window and cap", () => {
  fc.assert(fc.property(anyCase, check), { numRuns: fixtureRuns(80) });
});

test("attend() has the reference's bits where a batch holds few of many lanes", () => {
  const long = {
    group: 3,
    kvHeads: 1,
    headWidth: 8,
    firstPosition: 8180,
    rows: 12,
    isCausal: true,
    cap: 0,
    cut: 0,
    seed: 1,
  };
  for (const half of [false, true]) {
    check({ ...long, window: 0, half });
    check({ ...long, window: 300, half });
  }
});

test("storeKeyValue() rounds as the reference, and tells what has no f16", () => {
  const edge = fc.constantFrom(0, -0, 65504, 65519.996, 65520, -65520, 1e-8, 6e-8, 2 ** -14, 1e38);
  const any = fc.oneof(fc.float(), fc.float({ min: -70000, max: 70000 }), edge);
  const rows = fc.array(any, { minLength: 6, maxLength: 6 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 0, max: 31 }), (values, slot) => {
      const kernels = builds.get("best");
      const row = new Float32Array(memory.buffer, 4096, 6);
      row.set(values);
      const half = kernels?.storeKeyValue(8192, slot, 4096, 4096, 2, 3, 4, 1);
      const expected = values.map((value) => toHalf(Math.fround(value)));
      assert.equal(half, Number(expected.every(Number.isFinite)));
      if (half === 0) return;
      const stored = new Uint16Array(memory.buffer, 8192, 6 * 32 + 2 * 4 * 32);
      expected.forEach((value, i) => {
        const at = 6 * 32 + (Math.floor(i / 3) * 32 + slot) * 4 + i % 3;
        assert.ok(Object.is(fromHalf(stored[i * 32 + slot] ?? 0), value), `key ${value}`);
        assert.ok(Object.is(fromHalf(stored[at] ?? 0), value), `value ${value}`);
      });
    }),
    { numRuns: fixtureRuns(500) },
  );
});

/** Runs both on random contents and compares. */
function check(at: Case): void {
  const { group, kvHeads, headWidth, firstPosition, rows, half, cap, isCausal } = at;
  const heads = group * kvHeads;
  const end = firstPosition + rows;
  const random = generator(at.seed);
  const vector = (length: number): Float32Array => {
    return Float32Array.from({ length }, () => random() * (random() > 0.9 ? 8 : 1));
  };
  const keys = Array.from({ length: end }, () => vector(kvHeads * headWidth));
  const values = Array.from({ length: end }, () => vector(kvHeads * headWidth));
  const queries = Array.from({ length: rows }, () => vector(heads * headWidth));
  const scale = Math.fround(1 / Math.sqrt(headWidth));
  const stored = (row: Float32Array): Float32Array => half ? row.map(toHalf) : row;
  const seen = { keys: keys.map(stored), values: values.map(stored), scale, cap };
  const expected = queries.map((query, row) => {
    const to = isCausal ? firstPosition + row + 1 : end;
    const from = isCausal && at.window > 0 ? Math.max(0, to - at.window) : 0;
    return Array.from({ length: heads }, (_, head) => {
      const part = query.subarray(head * headWidth, (head + 1) * headWidth);
      return attend(part, { ...seen, head: Math.floor(head / group) * headWidth, from, to });
    });
  });
  for (const [name, kernels] of builds) {
    const results = run(kernels, at, { keys, values, queries, scale });
    expected.forEach((row, i) =>
      row.forEach((head, h) => {
        const actual = results.subarray(
          (i * heads + h) * headWidth,
          (i * heads + h + 1) * headWidth,
        );
        assert.deepEqual(bitsOf(actual), bitsOf(head), `${name}: row ${i}, head ${h}`);
      })
    );
  }
}

/** The kernel's results: rows x heads x headWidth. */
function run(
  kernels: Kernels,
  at: Case,
  rows: {
    readonly keys: readonly Float32Array[];
    readonly values: readonly Float32Array[];
    readonly queries: readonly Float32Array[];
    readonly scale: number;
  },
): Float32Array {
  const { group, kvHeads, headWidth, firstPosition, half, cap, isCausal } = at;
  const heads = group * kvHeads;
  const valueWidth = Math.ceil(headWidth / 4) * 4;
  const end = rows.keys.length;
  const pages = Math.ceil(end / 32);
  const layer = 64; // a page holds other layers before this one
  const elementBytes = half ? 2 : 4;
  const pageBytes = layer + kvHeads * (headWidth + valueWidth) * 32 * elementBytes;
  const rowBytes = (heads * headWidth + 3) * 4;
  const tablePtr = 4096;
  const queryPtr = tablePtr + pages * 4;
  const outPtr = queryPtr + rows.queries.length * rowBytes;
  const rowPtr = outPtr + rows.queries.length * rowBytes;
  const scratchPtr = Math.ceil((rowPtr + heads * headWidth * 8) / 64) * 64;
  const pagesPtr = scratchPtr + kernels.attendScratchBytes(end, valueWidth);
  new Float32Array(memory.buffer, tablePtr).fill(NaN, 0, (pagesPtr + pages * pageBytes) / 4);
  const table = new Uint32Array(memory.buffer, tablePtr, pages);
  table.forEach((_, page) => table[page] = pagesPtr + ((page * 7 + 3) % pages) * pageBytes);
  if (pages % 7 === 0) table.forEach((_, page) => table[page] = pagesPtr + page * pageBytes);
  rows.keys.forEach((key, position) => {
    new Float32Array(memory.buffer, rowPtr, key.length).set(key);
    const valuePtr = rowPtr + key.length * 4;
    new Float32Array(memory.buffer, valuePtr, key.length).set(rows.values[position] ?? []);
    const page = (table[position >> 5] ?? 0) + layer;
    const slot = position & 31;
    const flag = Number(half);
    kernels.storeKeyValue(page, slot, rowPtr, valuePtr, kvHeads, headWidth, valueWidth, flag);
  });
  rows.queries.forEach((query, row) => {
    new Float32Array(memory.buffer, queryPtr + row * rowBytes, query.length).set(query);
  });
  const cut = Math.min(at.cut, kvHeads);
  for (const [from, to] of [[0, cut], [cut, kvHeads]] as const) {
    kernels.attend(
      queryPtr,
      outPtr,
      rowBytes,
      tablePtr,
      layer,
      firstPosition,
      rows.queries.length,
      isCausal ? 0 : end,
      at.window,
      from,
      to,
      heads,
      kvHeads,
      headWidth,
      valueWidth,
      rows.scale,
      cap,
      Number(half),
      scratchPtr,
    );
  }
  const width = heads * headWidth;
  const results = new Float32Array(rows.queries.length * width);
  rows.queries.forEach((_, row) => {
    results.set(new Float32Array(memory.buffer, outPtr + row * rowBytes, width), row * width);
  });
  return results;
}

function bitsOf(values: Float32Array): number[] {
  return Array.from(new Uint32Array(values.slice().buffer));
}

function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  return exponent === 0
    ? sign * fraction * 2 ** -24
    : sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Numbers in -1..1. */
function generator(seed: number): () => number {
  let x = seed >>> 0;
  return () => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
    return (x ^ (x >>> 13)) / 2 ** 31 % 2 - 1;
  };
}
