import type { Format } from "./format.ts";

/** A file's block: an f16 scale, then 32 nibbles of w + 8. Packed: 8 scales, then 8 vectors. */
export const q4_0: Format = {
  name: "Q4_0",
  kinds: [8, 9],
  unitBlocks: 1,
  headerBytes: 0,
  blockBytes: 144,
  codes: { as: "small", max: 15, offset: 8 },
  planes: [{ bits: 4, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
};
