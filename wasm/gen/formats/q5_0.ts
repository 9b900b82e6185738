import type { Format } from "./format.ts";

/** A file's block: f16 scale, 32 codes of 5 bits, which are w + 16. */
export const q5_0: Format = {
  name: "Q5_0",
  kinds: [12, 13],
  unitBlocks: 1,
  headerBytes: 0,
  blockBytes: 176,
  codes: { as: "small", max: 31, offset: 16 },
  planes: [{ bits: 5, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
  rare: true,
};
