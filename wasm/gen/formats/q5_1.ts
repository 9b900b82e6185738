import type { Format } from "./format.ts";

/** A file's block: f16 scale, f16 minimum, 32 codes of 5 bits. */
export const q5_1: Format = {
  name: "Q5_1",
  kinds: [14, 15],
  unitBlocks: 1,
  headerBytes: 0,
  blockBytes: 192,
  codes: { as: "small", max: 31, offset: 0 },
  planes: [{ bits: 5, at: 32, shift: 0 }],
  scale: { type: "f16", at: 0 },
  minimum: { factor: { type: "f16", at: 16 } },
  rare: true,
};
