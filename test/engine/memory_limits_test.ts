/** Kernels for a memory of one size: what they accept, and that nothing else about them changes. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { withMemoryOf } from "../../src/engine/_memory_limits.ts";
import {
  fixedKernelModule,
  instantiateKernels,
  kernelMemory,
  probeKernels,
} from "../../src/engine/_module.ts";
import { probeMode } from "../../src/engine/mod.ts";

for (const pages of [1, 127, 128, 16_384]) {
  test(`fixedKernelModule() of ${pages} pages accepts a memory of exactly that size`, () => {
    const module = fixedKernelModule("best", pages);
    assert.equal(fixedKernelModule("best", pages), module, "it is compiled once");
    const kernels = instantiateKernels(kernelMemory(pages, pages), module);
    assert.equal(probeKernels(kernels), probeMode());
    for (const [least, most] of [[pages, pages + 1], [pages + 1, pages + 1]]) {
      assert.throws(
        () => instantiateKernels(kernelMemory(least ?? 0, most), module),
        WebAssembly.LinkError,
      );
    }
  });
}

test("withMemoryOf() refuses a module that imports something else, or nothing", () => {
  const header = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
  const global = [2, 8, 1, 1, 0x61, 1, 0x62, 3, 0x7f, 0]; // (import "a" "b" (global i32))
  for (const module of [header, [...header, ...global], [...header, 2, 0xff, 0xff, 0x03]]) {
    assert.throws(() => withMemoryOf(Uint8Array.from(module), 1), SyntaxError);
  }
});
