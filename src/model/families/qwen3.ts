/**
 * Qwen 3 (dense): a Llama that normalises each head of queries and keys and rotates halves.
 */
import type { Family } from "../family.ts";
import { readDecoder } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";

/** Architecture `qwen3`. */
export const qwen3: FamilyReader = {
  keys: [],
  epsilonKey: "attention.layer_norm_rms_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    return { ...readDecoder(keys, extents), ropePairs: "halves", headNorms: true };
  },
};
