/**
 * Accuracy of the class's elementary functions against the language's, in units in the last place.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  erff,
  exp,
  expf,
  log,
  nearest,
  sinCos,
  tanhf,
  toHalf,
} from "../../../src/engine/reference/functions.ts";
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

test("tanhf() is within 3 ulps, odd, and 1 far out", () => {
  fc.assert(
    fc.property(fc.float({ min: -12, max: 12, noNaN: true }), (x) => {
      if (Math.abs(x) < 2 ** -120) return;
      assert.ok(ulps32(tanhf(x), Math.tanh(x)) <= 3, `${tanhf(x)} for ${Math.tanh(x)}`);
      assert.ok(Object.is(tanhf(-x), -tanhf(x)), `tanhf(${x}) is not odd`);
    }),
    runs,
  );
  assert.deepEqual([tanhf(0), tanhf(40), tanhf(-Infinity)], [0, 1, -1]);
  assert.ok(Object.is(tanhf(-0), -0) && Number.isNaN(tanhf(NaN)));
});

test("erff() is within 4 ulps, odd, and 1 far out", () => {
  fc.assert(
    fc.property(fc.float({ min: -5, max: 5, noNaN: true }), (x) => {
      if (Math.abs(x) < 2 ** -120) return;
      const expected = erf(x);
      assert.ok(ulps32(erff(x), expected) <= 4, `${erff(x)} for ${expected}`);
      assert.ok(Object.is(erff(-x), -erff(x)), `erff(${x}) is not odd`);
    }),
    runs,
  );
  assert.deepEqual([erff(0), erff(40), erff(-Infinity)], [0, 1, -1]);
  assert.ok(Object.is(erff(-0), -0) && Number.isNaN(erff(NaN)));
});

test("toHalf() gives the nearest f16, ties to even, subnormals kept", () => {
  const halves = Array.from({ length: 0x7c00 }, (_, bits) => {
    const fraction = bits & 1023;
    return bits < 1024 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** ((bits >> 10) - 15);
  });
  halves.forEach((half, bits) => {
    assert.equal(toHalf(half), half);
    const next = halves[bits + 1];
    if (next === undefined) return;
    const middle = (half + next) / 2;
    assert.equal(toHalf(middle), bits % 2 === 0 ? half : next);
    assert.equal(toHalf(Math.fround(middle * (1 - 2 ** -20))), half);
    assert.equal(toHalf(-Math.fround(middle * (1 + 2 ** -20))), -next);
  });
  assert.deepEqual([toHalf(65519), toHalf(65520), toHalf(-1e9)], [65504, Infinity, -Infinity]);
  assert.ok(Object.is(toHalf(-0), -0) && Number.isNaN(toHalf(NaN)));
});

/** The error function by its series, or by a continued fraction far out. */
function erf(x: number): number {
  const a = Math.abs(x);
  if (a < 3) {
    let term = a;
    let sum = a;
    for (let n = 1; n < 120; n++) {
      term *= -a * a / n;
      sum += term / (2 * n + 1);
    }
    return Math.sign(x) * sum * 2 / Math.sqrt(Math.PI);
  }
  let fraction = a;
  for (let k = 150; k > 0; k--) fraction = a + k / 2 / fraction;
  return Math.sign(x) * (1 - Math.exp(-a * a) / Math.sqrt(Math.PI) / fraction);
}

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
