/**
 * The executor's kernels: one exported surface over an imported memory.
 *
 * No managed objects and no allocation: the host draws the memory map (src/engine/_layout.ts) and
 * passes pointers. The arithmetic is docs/NUMERIC_CLASS.md's; section numbers below are its.
 * Kernels own bytes 8 to 2047 of it: constants, which every instance writes there alike.
 */
export { run } from "./program";
export { probe, relaxed } from "./probe";
export { repack } from "./repack";
export { dequantiseRow } from "./dequantise";
export { quantise } from "./quantise";
export { changeMasks, choosePairs, multiply } from "./products.gen";
export { changeHalfMask } from "./constants";
export { headNorms, layerNorm, norm } from "./norm";
export { rotate, rotation } from "./rotation";
export { attend, attendScratchBytes } from "./attention";
export { storeKeyValue } from "./keys_values";
export { activate } from "./activation";
export { add, allFinite, cap, scale } from "./elementwise";
export { erffRow, tanhfRow } from "./tanh_erf";
export { expfRow } from "./expf";
export { cos, exp, log, sin } from "./functions";
export { philoxBlock } from "./philox";
export { digestChain, digestRows } from "./digest";
export { logSumExp, placeSampler, sample } from "./sampler";
