/**
 * Llama 2 and 3, Mistral and their kin: the family from which the others differ.
 *
 * Mistral's sliding window is `llama.attention.sliding_window`, for every layer. Llama 3 has its
 * frequencies' factors in `rope_freqs.weight`.
 */
import type { Family } from "../family.ts";
import { readDecoder, readWindow, uniformLayers } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";

/** Architecture `llama`. */
export const llama: FamilyReader = {
  keys: ["attention.sliding_window"],
  epsilonKey: "attention.layer_norm_rms_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    const { layerCount, contextMax } = extents;
    const window = readWindow(keys, { contextMax, absent: 0 });
    return { ...readDecoder(keys, extents), layers: uniformLayers(layerCount, window) };
  },
};
