import type { Format } from "./format.ts";

/** Codes of 4 bits; a scale and a minimum of 6 bits per 32 columns. */
export const q4_k: Format = {
  name: "Q4_K",
  kinds: [20, 21],
  unitBlocks: 8,
  headerBytes: 32,
  blockBytes: 144,
  codes: { as: "small", max: 15, offset: 0 },
  planes: [{ bits: 4, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
  subscale: { at: 0, signed: false, columns: 32 },
  minimum: {
    factor: { type: "f16", at: 16 },
    multiplier: { at: 8, signed: false, columns: 32 },
  },
};
