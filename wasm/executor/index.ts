/**
 * The executor's kernels: one exported surface over an imported memory.
 *
 * No managed objects and no allocation: the host draws the memory map (src/engine/_layout.ts) and
 * passes pointers. The arithmetic is docs/NUMERIC_CLASS.md's; section numbers below are its.
 * Only `constants.ts` owns memory of its own: bytes 1024 to 1151, for norms.
 */
export { probe, relaxed } from "./probe";
export { repackBlocks, repackPlain } from "./repack";
export { dequantiseRow } from "./dequantise";
export { quantise } from "./quantise";
export { multiply } from "./multiply";
export { norm } from "./norm";
export { rotate, rotation } from "./rotation";
export { attend, storeKeyValue } from "./attention";
export { allFinite, gate } from "./elementwise";
export { expfRow } from "./expf";
export { cos, exp, log, sin } from "./functions";
export { philoxBlock } from "./philox";
export { digestChain, digestRows } from "./digest";
export { logSumExp, placeSampler, sample } from "./sampler";
