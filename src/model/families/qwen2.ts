/**
 * Qwen 2 and 2.5: a Llama with biases on queries, keys and values that rotates halves.
 */
import type { Family } from "../family.ts";
import { readDecoder } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";

/** Architecture `qwen2`. */
export const qwen2: FamilyReader = {
  keys: [],
  epsilonKey: "attention.layer_norm_rms_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    const family = readDecoder(keys, extents);
    const others = family.biases.filter((matrix) => !/^attn_[qkv]$/.test(matrix));
    return {
      ...family,
      ropePairs: "halves",
      biases: ["attn_q", "attn_k", "attn_v", ...others],
    };
  },
};
