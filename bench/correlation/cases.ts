/**
 * The models that are compared: one small shape for each family, in each format.
 *
 * Widths are multiples of 256, so that formats with blocks of 256 are what they say. Windows, caps
 * and first contexts are so small that 64 positions meet them.
 */
import type { ModelShape } from "../../src/model/mod.ts";
import { familyShape } from "../models/family_shapes.ts";
import type { FamilyName } from "../models/family_shapes.ts";
import { WEIGHT_TYPES } from "../models/random_weights.ts";
import type { WeightType } from "../models/random_weights.ts";

/** Positions that are compared. */
export const POSITIONS = 64;

/** Every format, plain ones first. */
export const formats = Object.keys(WEIGHT_TYPES) as readonly WeightType[];

/** Formats whose products have no rounding but f32's, or the peer's own. */
const CLOSE: readonly WeightType[] = ["f32", "f16", "bf16", "q4_0"];
const GATE_CLOSE = 0.9999;
const GATE_QUANTISED = 0.9995;
const GATE_EMBEDDING = 0.999;

/** The window that 64 positions outgrow. */
const WINDOW = 24;
/** Families whose window llama.cpp reads and does not apply: theirs stays beyond the positions. */
const UNWINDOWED_THERE: readonly FamilyName[] = ["mistral", "phi3"];
/** Families whose heads together are wider than the hidden state. */
const WIDE_HEADS: readonly FamilyName[] = ["qwen3", "gemma2", "gemma3"];
const CONTEXT = 256;
/** With windowed and global layers of Gemma 3; two layers of the others. */
const GEMMA3_LAYERS = 6;
const LAYERS = 2;
/** Caps at which tanh bends. */
const ATTENTION_CAP = 2;
const LOGIT_CAP = 6;

/** What a case must reach. */
export function gateOf(shape: ModelShape, format: WeightType): number {
  if (shape.family.pooling !== undefined) return GATE_EMBEDDING;
  return CLOSE.includes(format) ? GATE_CLOSE : GATE_QUANTISED;
}

/** The shape of a family's model. */
export function caseShape(name: FamilyName): ModelShape {
  const shape = familyShape(name, {
    layerCount: name === "gemma3" ? GEMMA3_LAYERS : LAYERS,
    width: 256,
    ffnWidth: 512,
    headCount: 4,
    kvHeadCount: name.startsWith("bert") ? 4 : 2,
    headWidth: WIDE_HEADS.includes(name) ? 128 : 64,
    vocabularySize: 400,
    contextMax: CONTEXT,
    tiedOutput: false,
  });
  const { family } = shape;
  const layers = family.layers.map((layer, index) => {
    const isWindowed = name === "gemma2" ? index % 2 === 0 : name === "gemma3" && layer.rope === 1;
    return isWindowed ? { ...layer, window: WINDOW } : layer;
  });
  const caps = name === "gemma2" ? { attentionCap: ATTENTION_CAP, logitCap: LOGIT_CAP } : {};
  return { ...shape, family: { ...family, layers, ...caps } };
}

/** What a reader of the table should know of a family. */
export function remarkOf(name: FamilyName): string {
  return UNWINDOWED_THERE.includes(name)
    ? "within the window, which llama.cpp does not apply to this family"
    : "";
}

/**
 * The tokens that are computed: in no order, between a first token and, in encoders, a last one.
 *
 * @param options `text` is the smallest id of the others, `first` and `last` those of the ends; by
 * default those of the synthetic vocabularies, whose text follows bytes or BERT's five special tokens
 */
export function caseTokens(
  shape: ModelShape,
  options: {
    readonly text?: number;
    readonly first?: number;
    readonly last?: number;
    readonly count?: number;
  } = {},
): Uint32Array {
  const { vocabularySize, family } = shape;
  const isEncoder = family.pooling !== undefined;
  const { text = isEncoder ? 5 : 259, count = POSITIONS } = options;
  const tokens = Uint32Array.from({ length: count }, (_, i) => {
    return text + (i * 7919) % (vocabularySize - text);
  });
  tokens[0] = options.first ?? (isEncoder ? 2 : 1);
  if (isEncoder) tokens[count - 1] = options.last ?? 3;
  return tokens;
}
