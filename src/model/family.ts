/**
 * What sets one family of transformers apart from another: a description over shared blocks.
 *
 * The executors read it and hold one forward pass; a family has no code of its own in them. Which
 * GGUF architecture means which description is in `families/`; what each choice computes is in
 * docs/NUMERIC_CLASS.md.
 */

/** GGUF's `general.architecture` of the families that are executed. */
export const architectures = [
  "llama",
  "qwen2",
  "qwen3",
  "phi3",
  "gemma2",
  "gemma3",
  "bert",
] as const;

/** One of `architectures`. */
export type Architecture = (typeof architectures)[number];

/** Matrices of a layer, named as GGUF names them where they are not fused. */
export type LayerMatrix =
  | "attn_q"
  | "attn_k"
  | "attn_v"
  | "attn_output"
  | "ffn_gate"
  | "ffn_up"
  | "ffn_down";

/** YaRN (Peng et al., 2023): low frequencies are interpolated, high ones kept, a ramp between. */
export interface Yarn {
  /** Positions that the model was first trained for. */
  readonly originalContext: number;
  /** Share of the ramp that is applied, 0 to 1. */
  readonly extrapolation: number;
  /** Rotations over the original context at which the ramp begins and ends. */
  readonly betaFast: number;
  readonly betaSlow: number;
}

/** One table of rotary frequencies. */
export interface Rope {
  /** Base frequency, at least 1. */
  readonly base: number;
  /** Every frequency is multiplied by this: 1 divided by a linear or YaRN factor. */
  readonly frequencyScale: number;
  readonly yarn: Yarn | undefined;
  /** Cosines and sines are multiplied by this. */
  readonly magnitude: number;
  /** A file's vector of `ropeWidth / 2` values by which frequencies are divided. */
  readonly factorsTensor: string | undefined;
}

/** What differs from layer to layer. */
export interface LayerTraits {
  /** A position sees this many positions, itself included; 0 is all. */
  readonly window: number;
  /** Index into `Family.ropes`; meaningless where there are none. */
  readonly rope: number;
}

/** The choices of one family, and of one model of it. */
export interface Family {
  /** RMS norms, or layer norms with a bias. */
  readonly norm: "rms" | "layer";
  /**
   * Where norms stand: before each half of a layer (Llama), before and after it (Gemma: a half's
   * result is normalised before it is added), or after the sum (BERT).
   */
  readonly normPlaces: "before" | "around" | "after";
  /** Whether every head of queries and keys is RMS-normalised before it is rotated. */
  readonly headNorms: boolean;
  readonly activation: "silu" | "gelu-tanh" | "gelu-erf";
  /** Whether the feed-forward network multiplies the activation by a second product. */
  readonly gated: boolean;
  /** Whether a position sees only itself and those before it. */
  readonly causal: boolean;
  /** Elements of a head that are rotated together: (2i, 2i+1), or (i, i + ropeWidth/2). */
  readonly ropePairs: "neighbours" | "halves";
  /** One table, two (Gemma 3's windowed layers have their own), or none. */
  readonly ropes: readonly Rope[];
  /** A layer's traits, by its index. */
  readonly layers: readonly LayerTraits[];
  /** The matrices that have a bias vector, in every layer. */
  readonly biases: readonly LayerMatrix[];
  /** Tensors that the file stores as one: attn_qkv; gate and up as ffn_up. */
  readonly fused: readonly ("qkv" | "gate-up")[];
  /** Embedding rows are multiplied by this f32; 1 leaves them alone. */
  readonly embeddingScale: number;
  /** Scores are multiplied by this f32: usually 1 / sqrt(headWidth). */
  readonly attentionScale: number;
  /** Scores become cap * tanh(score / cap); 0 leaves them alone. */
  readonly attentionCap: number;
  /** Logits become cap * tanh(logit / cap); 0 leaves them alone. */
  readonly logitCap: number;
  /** How an encoder's rows become one embedding; undefined for a decoder. */
  readonly pooling: "mean" | "cls" | "last" | undefined;
  /** Rows of the learned position embedding, and of the token types; 0 without. */
  readonly positionRows: number;
  readonly tokenTypeRows: number;
}

/** The description of a plain Llama, from which the others differ. */
export function plainFamily(
  options: { readonly layerCount: number; readonly headWidth: number; readonly ropeBase?: number },
): Family {
  const { layerCount, headWidth, ropeBase = 10_000 } = options;
  return {
    norm: "rms",
    normPlaces: "before",
    headNorms: false,
    activation: "silu",
    gated: true,
    causal: true,
    ropePairs: "neighbours",
    ropes: [plainRope(ropeBase)],
    layers: Array.from({ length: layerCount }, () => ({ window: 0, rope: 0 })),
    biases: [],
    fused: [],
    embeddingScale: 1,
    attentionScale: Math.fround(1 / Math.sqrt(headWidth)),
    attentionCap: 0,
    logitCap: 0,
    pooling: undefined,
    positionRows: 0,
    tokenTypeRows: 0,
  };
}

/** A table of frequencies that nothing scales. */
export function plainRope(base: number): Rope {
  return { base, frequencyScale: 1, yarn: undefined, magnitude: 1, factorsTensor: undefined };
}
