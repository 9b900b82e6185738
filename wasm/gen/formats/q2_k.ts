import type { Format } from "./format.ts";

/** Codes of 2 bits; per 16 columns a byte with the scale in its low and the minimum in its high nibble. */
export const q2_k: Format = {
  name: "Q2_K",
  kinds: [16, 17],
  unitBlocks: 8,
  headerBytes: 32,
  blockBytes: 80,
  codes: { as: "small", max: 3, offset: 0 },
  planes: [{ bits: 2, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
  subscale: { at: 0, signed: false, columns: 16, nibble: "low" },
  minimum: {
    factor: { type: "f16", at: 16 },
    multiplier: { at: 0, signed: false, columns: 16, nibble: "high" },
  },
  rare: true,
};
