/**
 * Gemma 3 (text): Gemma 2 with normalised heads in place of caps; five layers of six are windowed,
 * and those have a RoPE of their own, unscaled.
 */
import { plainRope } from "../family.ts";
import type { Family } from "../family.ts";
import { readWindow, readWindowed } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";
import { readCap, readGemma } from "./_gemma.ts";
import { readRopeBase } from "./_rope.ts";

const PERIOD_DEFAULT = 6;
const WINDOWED_BASE_DEFAULT = 10_000;
/** Layers of the 27B model. */
const LARGEST_LAYERS = 62;

/** Architecture `gemma3`. */
export const gemma3: FamilyReader = {
  keys: [
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "rope.freq_base_swa",
    "final_logit_softcapping",
  ],
  epsilonKey: "attention.layer_norm_rms_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    const family = {
      ...readGemma(keys, extents, { largestLayers: LARGEST_LAYERS }),
      headNorms: true,
      logitCap: readCap(keys, { key: "final_logit_softcapping", absent: 0 }),
    };
    // A file without a window has one kind of layer, as in llama.cpp.
    const stated = keys.integer("attention.sliding_window", { min: 0, max: Infinity }) ?? 0;
    if (stated === 0) return family;
    const { layerCount, contextMax } = extents;
    const window = readWindow(keys, { contextMax, absent: 0 });
    const windowed = readWindowed(keys, { layerCount, period: PERIOD_DEFAULT });
    const base = readRopeBase(keys, "rope.freq_base_swa") ?? WINDOWED_BASE_DEFAULT;
    return {
      ...family,
      ropes: [...family.ropes, plainRope(base)],
      layers: windowed.map((isWindowed) => {
        return isWindowed ? { window, rope: 1 } : { window: 0, rope: 0 };
      }),
    };
  },
};
