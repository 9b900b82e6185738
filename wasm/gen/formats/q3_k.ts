import type { Format } from "./format.ts";

/** Codes of 3 bits, which are w + 4; a signed scale per 16 columns. */
export const q3_k: Format = {
  name: "Q3_K",
  kinds: [18, 19],
  unitBlocks: 8,
  headerBytes: 16,
  blockBytes: 112,
  codes: { as: "small", max: 7, offset: 4 },
  planes: [{ bits: 2, at: 16, shift: 0 }, { bits: 1, at: 80, shift: 2 }],
  scale: { type: "f16", at: 0 },
  subscale: { at: 0, signed: true, columns: 16 },
  rare: true,
};
