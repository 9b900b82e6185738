/**
 * Phi 3 and 4 mini: a Llama with fused matrices that rotates halves, with a sliding window for
 * every layer, and long and short RoPE factors with a magnitude in the long-context models.
 *
 * (llama.cpp reads Phi's window and does not apply it; here it applies, as the model was trained.)
 */
import type { Family } from "../family.ts";
import { readDecoder, readWindow, uniformLayers } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";

/** Architecture `phi3`. */
export const phi3: FamilyReader = {
  keys: ["attention.sliding_window"],
  epsilonKey: "attention.layer_norm_rms_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    const { layerCount, contextMax } = extents;
    const family = readDecoder(keys, extents);
    const window = readWindow(keys, { contextMax, absent: 0 });
    return {
      ...family,
      ropePairs: "halves",
      fused: [...family.fused, "gate-up"],
      layers: uniformLayers(layerCount, window),
    };
  },
};
