import type { Format } from "./format.ts";

/** Blocks as Q4_0's, but a nibble is an index of a table, which no 7 bits hold. */
export const iq4_nl: Format = {
  name: "IQ4_NL",
  kinds: [26, 27, 28, 29, 30],
  unitBlocks: 1,
  headerBytes: 0,
  blockBytes: 144,
  codes: {
    as: "table",
    values: [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
  },
  planes: [{ bits: 4, at: 16, shift: 0 }],
  scale: { type: "f16", at: 0 },
  rare: true,
};
