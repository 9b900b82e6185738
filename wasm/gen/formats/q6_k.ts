import type { Format } from "./format.ts";

/** Codes of 6 bits, which are w + 32; a signed scale per 16 columns. */
export const q6_k: Format = {
  name: "Q6_K",
  kinds: [24, 25],
  unitBlocks: 8,
  headerBytes: 16,
  blockBytes: 208,
  codes: { as: "small", max: 63, offset: 32 },
  planes: [{ bits: 6, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
  subscale: { at: 0, signed: true, columns: 16 },
};
