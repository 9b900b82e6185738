/**
 * The kernels' elementary functions: bit for bit those of the reference, and near the true ones.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { instantiateKernels, kernelMemory, probeKernels } from "../../src/engine/_module.ts";
import type { Build } from "../../src/engine/_module.ts";
import { probeMode } from "../../src/engine/mod.ts";
import { exp, expf, log, sinCos } from "../../src/engine/reference/functions.ts";
import { fixtureRuns } from "./_runs.ts";

const memory = kernelMemory(1);
const kernels = instantiateKernels(memory);

test("exp(), log(), sin() and cos() have the reference's bits", () => {
  const any = fc.oneof(fc.double(), fc.double({ min: -800, max: 800 }), fc.constant(-0));
  fc.assert(
    fc.property(any, fc.double({ min: -(2 ** 21), max: 2 ** 21, noNaN: true }), (x, angle) => {
      assert.ok(Object.is(kernels.exp(x), exp(x)), `exp(${x})`);
      assert.ok(Object.is(kernels.log(x), log(x)), `log(${x})`);
      const { sin, cos } = sinCos(angle);
      assert.ok(Object.is(kernels.sin(angle), sin), `sin(${angle})`);
      assert.ok(Object.is(kernels.cos(angle), cos), `cos(${angle})`);
    }),
    { numRuns: fixtureRuns(5000) },
  );
});

test("expf() has the reference's bits, NaN and infinities included", () => {
  const any = fc.oneof(
    fc.float(),
    fc.float({ min: -90, max: 90 }),
    fc.constantFrom(-87, Math.fround(-87.00001), 88, -0, Infinity, -Infinity, NaN),
  );
  fc.assert(
    fc.property(fc.array(any, { minLength: 4, maxLength: 4 }), (values) => {
      const row = new Float32Array(memory.buffer, 4096, 4);
      row.set(values);
      kernels.expfRow(4096, 4);
      values.forEach((value, i) => {
        assert.ok(Object.is(row[i], expf(value)), `expf(${value}) is ${row[i]}`);
      });
    }),
    { numRuns: fixtureRuns(5000) },
  );
});

test("both builds have the same functions, and the plain one probes as neither", () => {
  const plain = instantiateKernels(kernelMemory(1), "plain");
  assert.equal(plain.relaxed(), 0);
  assert.equal(probeKernels(plain), "neither");
  assert.ok(["unsigned", "signed", "neither"].includes(probeMode()));
  for (const x of [-3.5, 0.1, 1, 700]) assert.equal(plain.exp(x), kernels.exp(x));
});

test("instantiateKernels() leaves no import but the memory", () => {
  for (const build of ["best", "plain"] satisfies Build[]) {
    assert.doesNotThrow(() => instantiateKernels(kernelMemory(1), build));
  }
});

test("kernels keep their constants within bytes 8 to 2047", () => {
  for (const build of ["best", "plain"] satisfies Build[]) {
    const own = kernelMemory(1, 1);
    instantiateKernels(own, build);
    const used = new Uint8Array(own.buffer).reduce((last, byte, i) => byte === 0 ? last : i, 0);
    assert.ok(used > 8 && used < 2048, `the last byte is ${used}`);
  }
});
