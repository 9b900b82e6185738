import type { Format } from "./format.ts";

/** Codes of 5 bits; a scale and a minimum of 6 bits per 32 columns. */
export const q5_k: Format = {
  name: "Q5_K",
  kinds: [22, 23],
  unitBlocks: 8,
  headerBytes: 32,
  blockBytes: 176,
  codes: { as: "small", max: 31, offset: 0 },
  planes: [{ bits: 5, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
  subscale: { at: 0, signed: false, columns: 32 },
  minimum: {
    factor: { type: "f16", at: 16 },
    multiplier: { at: 8, signed: false, columns: 32 },
  },
};
