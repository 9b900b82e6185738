import type { Format } from "./format.ts";

/** A file's block: an f16 scale, then 32 signed bytes. Packed: 8 scales, then 16 vectors. */
export const q8_0: Format = {
  name: "Q8_0",
  kinds: [3, 4, 5, 6, 7],
  unitBlocks: 1,
  headerBytes: 0,
  blockBytes: 272,
  codes: { as: "bytes" },
  planes: [{ bits: 8, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
};
