import type { Format } from "./format.ts";

/** A file's block: f16 scale, f16 minimum, 32 nibbles. */
export const q4_1: Format = {
  name: "Q4_1",
  kinds: [10, 11],
  unitBlocks: 1,
  headerBytes: 0,
  blockBytes: 160,
  codes: { as: "small", max: 15, offset: 0 },
  planes: [{ bits: 4, at: 32, shift: 0 }],
  scale: { type: "f16", at: 0 },
  minimum: { factor: { type: "f16", at: 16 } },
  rare: true,
};
