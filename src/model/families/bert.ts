/**
 * BERT encoders (bge, MiniLM, e5 and the like): learned positions, token types, layer norms after
 * each half, biases everywhere, an ungated GELU, every position seeing every other.
 */
import { plainFamily } from "../family.ts";
import type { Family } from "../family.ts";
import { readBiases, readFusedQkv } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";

/** llama.cpp's numbers for how rows become one embedding. */
const POOLINGS: Readonly<Record<number, "mean" | "cls" | "last">> = {
  1: "mean",
  2: "cls",
  3: "last",
};
const TOKEN_TYPES_MAX = 1024;

/** Architecture `bert`. */
export const bert: FamilyReader = {
  keys: ["attention.causal", "pooling_type"],
  epsilonKey: "attention.layer_norm_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    const { layerCount, headWidth, contextMax } = extents;
    if (keys.value("attention.causal") === true) {
      throw keys.error("unsupported-feature", `'bert.attention.causal' must be false: it is true`);
    }
    const fused = readFusedQkv(keys);
    return {
      ...plainFamily({ layerCount, headWidth }),
      norm: "layer",
      normPlaces: "after",
      activation: "gelu-erf",
      gated: false,
      causal: false,
      ropes: [],
      fused,
      biases: readBiases(keys, fused),
      pooling: readPooling(keys),
      positionRows: contextMax,
      tokenTypeRows: readTokenTypes(keys),
    };
  },
};

function readPooling(keys: ArchitectureKeys): "mean" | "cls" | "last" {
  const value = keys.integer("pooling_type", { min: 0, max: 255 });
  if (value === undefined) throw keys.error("bad-metadata", `it has no 'bert.pooling_type'`);
  const pooling = POOLINGS[value];
  if (pooling !== undefined) return pooling;
  throw keys.error(
    "unsupported-feature",
    `'bert.pooling_type' is only supported as 1 (mean), 2 (CLS) or 3 (last): it is ${value}`,
  );
}

function readTokenTypes(keys: ArchitectureKeys): number {
  const key = "tokenizer.ggml.token_type_count";
  const count = keys.foreignInteger(key, { min: 1, max: TOKEN_TYPES_MAX });
  if (count === undefined) throw keys.error("bad-metadata", `it has no '${key}'`);
  return count;
}
