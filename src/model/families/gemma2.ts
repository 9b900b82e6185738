/**
 * Gemma 2: norms around each half, capped scores and logits, every other layer windowed.
 */
import type { Family } from "../family.ts";
import { readWindow, readWindowed } from "./_decoder.ts";
import type { ArchitectureKeys, Extents, FamilyReader } from "./family_reader.ts";
import { readCap, readGemma } from "./_gemma.ts";

/** What a file that does not say has, as in llama.cpp. */
const WINDOW_DEFAULT = 4096;
const PERIOD_DEFAULT = 2;
const ATTENTION_CAP_DEFAULT = 50;
const LOGIT_CAP_DEFAULT = 30;
/** Layers of the 27B model. */
const LARGEST_LAYERS = 46;

/** Architecture `gemma2`. */
export const gemma2: FamilyReader = {
  keys: [
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attn_logit_softcapping",
    "final_logit_softcapping",
  ],
  epsilonKey: "attention.layer_norm_rms_epsilon",
  describe(keys: ArchitectureKeys, extents: Extents): Family {
    const { layerCount, contextMax } = extents;
    const window = readWindow(keys, { contextMax, absent: WINDOW_DEFAULT });
    const windowed = readWindowed(keys, { layerCount, period: PERIOD_DEFAULT });
    return {
      ...readGemma(keys, extents, { largestLayers: LARGEST_LAYERS }),
      layers: windowed.map((isWindowed) => ({ window: isWindowed ? window : 0, rope: 0 })),
      attentionCap: readCap(keys, { key: "attn_logit_softcapping", absent: ATTENTION_CAP_DEFAULT }),
      logitCap: readCap(keys, { key: "final_logit_softcapping", absent: LOGIT_CAP_DEFAULT }),
    };
  },
};
