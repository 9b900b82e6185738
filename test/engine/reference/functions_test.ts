/**
 * Accuracy of the class's elementary functions against the language's, in units in the last place.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { exp, expf, log, nearest, sinCos } from "../../../src/engine/reference/functions.ts";
import { fixtureRuns } from "../_runs.ts";

/** Distance of two finite f64 in units of the last place of `expected`. */
function ulps64(actual: number, expected: number): number {
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(expected))));
  return Math.abs(actual - expected) / 2 ** (exponent - 52);
}

/** The same for f32, with the true value in f64. */
function ulps32(actual: number, expected: number): number {
  const exponent = Math.max(-126, Math.floor(Math.log2(Math.abs(expected))));
  return Math.abs(actual - expected) / 2 ** (exponent - 23);
}

const runs = { numRuns: fixtureRuns(20_000) };

test("expf() is within 2 ulps from -87 to 88, and +0 below", () => {
  fc.assert(
    fc.property(fc.float({ min: -87, max: 88, noNaN: true }), (x) => {
      assert.ok(ulps32(expf(x), Math.exp(x)) <= 2, `${expf(x)} for ${Math.exp(x)}`);
    }),
    runs,
  );
  assert.ok(Object.is(expf(-87.5), 0) && Object.is(expf(-Infinity), 0));
  assert.equal(expf(0), 1);
  assert.equal(expf(1000), expf(88));
  assert.ok(Number.isNaN(expf(NaN)));
});

test("exp() is within 2 ulps, subnormal results included", () => {
  fc.assert(
    fc.property(fc.double({ min: -745, max: 709.7, noNaN: true }), (x) => {
      assert.ok(ulps64(exp(x), Math.exp(x)) <= 2, `${exp(x)} for ${Math.exp(x)}`);
    }),
    runs,
  );
  assert.deepEqual([exp(0), exp(-746), exp(710), exp(-Infinity)], [1, 0, Infinity, 0]);
});

test("log() is within 2 ulps, subnormal arguments included", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (x) => {
      if (x === 0 || x === 1) return;
      assert.ok(ulps64(log(x), Math.log(x)) <= 2, `${log(x)} for ${Math.log(x)}`);
    }),
    runs,
  );
  assert.deepEqual([log(1), log(0), log(Infinity)], [0, -Infinity, Infinity]);
  assert.ok(Number.isNaN(log(-1)) && Number.isNaN(log(NaN)));
});

test("sin() and cos() are within 2^-52 of the true values up to 2^20", () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 2 ** 20, noNaN: true }), (x) => {
      const { sin, cos } = sinCos(x);
      assert.ok(Math.abs(sin - Math.sin(x)) <= 2 ** -52, `sin(${x})`);
      assert.ok(Math.abs(cos - Math.cos(x)) <= 2 ** -52, `cos(${x})`);
    }),
    runs,
  );
});

test("nearest() rounds ties to even", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 3.4].map(nearest).map((n) => n + 0), [
    0,
    2,
    2,
    0,
    -2,
    3,
  ]);
});
