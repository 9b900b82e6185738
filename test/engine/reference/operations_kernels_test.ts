/**
 * The kernels of norms, rotation, activations and elementwise operations against the reference, bit
 * for bit, for any length; what lies behind a vector stays as it was.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantiateKernels, kernelMemory } from "../../../src/engine/_module.ts";
import {
  activations,
  add,
  capped,
  headNorms,
  norm,
  rotate,
  times,
} from "../../../src/engine/reference/_operations.ts";
import { erff, sinCos, tanhf } from "../../../src/engine/reference/functions.ts";
import { fixtureRuns } from "../_runs.ts";

const memory = kernelMemory(4);
const kernels = instantiateKernels(memory);
const pointers = [4096, 12288, 20480, 28672] as const;
const guard = 1234.5;

const finite = fc.oneof(
  fc.float({ min: -4, max: 4, noNaN: true }),
  fc.float({ noNaN: true, noDefaultInfinity: true, min: -(2 ** 50), max: 2 ** 50 }),
);
const any = fc.oneof(finite, fc.float(), fc.constantFrom(-0, NaN, Infinity, -Infinity));
const epsilon = fc.constantFrom(1e-5, 1e-6, 1e-12).map(Math.fround);
const length = fc.integer({ min: 1, max: 70 });

/** Vectors of one length. */
function vectors(count: number, element: fc.Arbitrary<number>): fc.Arbitrary<Float32Array[]> {
  return length.chain((size) =>
    fc.array(fc.array(element, { minLength: size, maxLength: size }), {
      minLength: count,
      maxLength: count,
    })
  ).map((lists) => lists.map((list) => Float32Array.from(list)));
}

/** Puts vectors into memory, runs, and reads as many values at the last pointer. */
function through(inputs: readonly Float32Array[], run: () => void): Float32Array {
  inputs.forEach((values, i) => view(i, values.length + 1).set([...values, guard]));
  run();
  const size = inputs[0]?.length ?? 0;
  assert.equal(view(0, size + 1)[size], guard);
  return view(0, size).slice();
}

function view(index: number, size: number): Float32Array {
  return new Float32Array(memory.buffer, pointers[index], size);
}

/** NaN are alike: none leaves an executor. */
function assertSame(actual: Float32Array, expected: Float32Array): void {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Object.is(actual[i], value), `element ${i} is ${actual[i]}, not ${value}`);
  });
}

const [x, w, b] = pointers;
const runs = { numRuns: fixtureRuns(400) };

test("norm() and layerNorm() have the reference's bits, in place too", () => {
  fc.assert(
    fc.property(vectors(3, finite), epsilon, (inputs, eps) => {
      const [values = empty, weight = empty, bias = empty] = inputs;
      const size = values.length;
      assertSame(
        through(inputs, () => kernels.norm(x, w, x, size, eps)),
        norm(values, { weight, bias: undefined }, eps),
      );
      assertSame(
        through(inputs, () => kernels.layerNorm(x, w, b, x, size, eps)),
        norm(values, { weight, bias }, eps),
      );
    }),
    runs,
  );
});

test("headNorms() norms each head on its own", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 40 }),
      fc.array(finite, { minLength: 240, maxLength: 240 }),
      epsilon,
      (heads, headWidth, list, eps) => {
        const values = Float32Array.from(list.slice(0, heads * headWidth));
        const weight = Float32Array.from(list.slice(200, 200 + headWidth));
        assertSame(
          through([values, weight], () => kernels.headNorms(x, w, heads, headWidth, eps)),
          headNorms(values, weight, eps),
        );
      },
    ),
    runs,
  );
});

test("rotation() and rotate() have the reference's bits for both pairings", () => {
  fc.assert(
    fc.property(
      fc.record({
        heads: fc.integer({ min: 1, max: 4 }),
        half: fc.integer({ min: 1, max: 20 }),
        rest: fc.integer({ min: 0, max: 5 }),
        position: fc.integer({ min: 0, max: 2 ** 20 - 1 }),
        magnitude: fc.constantFrom(1, 1.1902, 0.25).map(Math.fround),
        pairs: fc.constantFrom("neighbours", "halves"),
      }),
      fc.array(finite, { minLength: 180, maxLength: 180 }),
      ({ heads, half, rest, position, magnitude, pairs }, list) => {
        const width = 2 * half;
        const headWidth = width + rest;
        const values = Float32Array.from(list.slice(0, heads * headWidth));
        const frequencies = Float64Array.from({ length: half }, (_, i) => 1 / (1 + i * i));
        new Float64Array(memory.buffer, w, half).set(frequencies);
        kernels.rotation(b, position, w, magnitude, width);
        const expected = values.slice();
        rotate(expected, position, { frequencies, magnitude, pairs, headWidth });
        const isHalves = Number(pairs === "halves");
        assertSame(
          through([values], () => kernels.rotate(x, b, heads, headWidth, width, isHalves)),
          expected,
        );
        const { sin, cos } = sinCos(position * (frequencies[half - 1] ?? NaN));
        const last = new Float32Array(memory.buffer, b + (half - 1) * 8, 2);
        assert.deepEqual([...last], [cos * magnitude, sin * magnitude].map(Math.fround));
      },
    ),
    runs,
  );
});

test("activate() has the reference's bits, gated or not", () => {
  const kinds = ["silu", "gelu-tanh", "gelu-erf"] as const;
  fc.assert(
    fc.property(vectors(2, any), fc.integer({ min: 0, max: 2 }), (inputs, kind) => {
      const [g = empty, u = empty] = inputs;
      const act = activations[kinds[kind] ?? "silu"];
      const activated = g.map(act);
      const alone = through(inputs, () => kernels.activate(kind, x, 0, g.length));
      assertSame(alone, activated);
      const gated = through(inputs, () => kernels.activate(kind, x, w, g.length));
      assertSame(gated, times(activated, u));
    }),
    runs,
  );
});

test("add(), scale() and cap() have the reference's bits", () => {
  const factors = fc.constantFrom(0.5, 30, 27.71, 1e-3).map(Math.fround);
  fc.assert(
    fc.property(vectors(2, any), factors, (inputs, factor) => {
      const [values = empty, others = empty] = inputs;
      const size = values.length;
      assertSame(through(inputs, () => kernels.add(x, w, size)), add(values, others));
      const scaled = through(inputs, () => kernels.scale(x, factor, size));
      assertSame(scaled, values.map((value) => value * factor));
      const cappedValues = through(inputs, () => kernels.cap(x, factor, size));
      assertSame(cappedValues, values.map((value) => capped(value, factor)));
    }),
    runs,
  );
});

test("tanhfRow() and erffRow() have the reference's bits", () => {
  const edges = fc.constantFrom(0.625, 0.6249999, 1, 0.9999999, 4, 4.0000005, 9.1, 1e30, 1e-30);
  const values = fc.oneof(any, edges, fc.float({ min: -5, max: 5, noNaN: true }));
  fc.assert(
    fc.property(fc.array(values, { minLength: 8, maxLength: 8 }), (list) => {
      const input = Float32Array.from(list);
      assertSame(through([input], () => kernels.tanhfRow(x, 8)), input.map(tanhf));
      assertSame(through([input], () => kernels.erffRow(x, 8)), input.map(erff));
    }),
    { numRuns: fixtureRuns(3000) },
  );
});

const empty = new Float32Array();
