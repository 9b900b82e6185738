/**
 * The metadata of a shape: what `readModelShape` reads, written. Keys are llama.cpp's.
 */
import type { Family, ModelShape, Rope } from "../../src/model/mod.ts";
import type { ValueToWrite } from "./encode_gguf.ts";
import { STRETCH } from "./family_shapes.ts";

/** A metadata pair. */
export type Pair = readonly [key: string, value: ValueToWrite];

const POOLINGS = { mean: 1, cls: 2, last: 3 } as const;

/** All pairs below `general.architecture` and the architecture's name. */
export function shapeKeys(shape: ModelShape): readonly Pair[] {
  const { architecture, family } = shape;
  const epsilon = family.norm === "rms" ? "layer_norm_rms_epsilon" : "layer_norm_epsilon";
  const pairs: Pair[] = [
    ...counts({
      block_count: shape.layerCount,
      context_length: shape.contextMax,
      embedding_length: shape.width,
      feed_forward_length: shape.ffnWidth,
      "attention.head_count": shape.headCount,
      "attention.head_count_kv": shape.kvHeadCount,
      "attention.key_length": shape.headWidth,
      "attention.value_length": shape.headWidth,
      vocab_size: shape.vocabularySize,
    }),
    [`attention.${epsilon}`, f32(shape.normEpsilon)],
    ...family.ropes.length > 0 ? ropeKeys(shape) : [],
    ...windowKeys(shape),
    ...capKeys(shape),
    ...family.pooling === undefined ? [] : encoderKeys(family.pooling),
  ];
  return [
    ["general.architecture", { type: "string", value: architecture }],
    ...pairs.map(([key, value]): Pair => [`${architecture}.${key}`, value]),
  ];
}

/** The number of token types, which llama.cpp keeps beside the vocabulary. */
export function tokenTypeKeys({ tokenTypeRows }: Family): readonly Pair[] {
  return tokenTypeRows === 0 ? [] : counts({ "tokenizer.ggml.token_type_count": tokenTypeRows });
}

function ropeKeys(shape: ModelShape): readonly Pair[] {
  const [rope, windowedRope] = shape.family.ropes;
  if (rope === undefined) return [];
  return [
    ...counts({ "rope.dimension_count": shape.ropeWidth }),
    ["rope.freq_base", f32(rope.base)],
    ...scalingKeys(rope),
    ...originalKeys(shape, rope),
    ...windowedRope === undefined
      ? []
      : [["rope.freq_base_swa", f32(windowedRope.base)] satisfies Pair],
  ];
}

function scalingKeys({ yarn, frequencyScale, magnitude }: Rope): readonly Pair[] {
  const factor = 1 / frequencyScale;
  const attention = yarn === undefined ? magnitude : magnitude / (0.1 * Math.log(factor) + 1);
  const type = yarn === undefined ? "linear" : "yarn";
  return [
    ...frequencyScale === 1 ? [] : [
      ["rope.scaling.type", { type: "string", value: type }] satisfies Pair,
      ["rope.scaling.factor", f32(factor)] satisfies Pair,
    ],
    ...Math.abs(attention - 1) < 1e-6
      ? []
      : [["rope.scaling.attn_factor", f32(attention)] satisfies Pair],
  ];
}

/** Long factors need a first context that is shorter, short ones one that is not. */
function originalKeys({ contextMax }: ModelShape, { yarn, factorsTensor }: Rope): readonly Pair[] {
  const key = "rope.scaling.original_context_length";
  if (yarn !== undefined) return counts({ [key]: yarn.originalContext });
  if (factorsTensor === "rope_factors_long.weight") {
    return counts({ [key]: Math.max(1, Math.floor(contextMax / STRETCH)) });
  }
  return factorsTensor === "rope_factors_short.weight" ? counts({ [key]: contextMax }) : [];
}

function windowKeys({ architecture, contextMax, family }: ModelShape): readonly Pair[] {
  const window = Math.max(...family.layers.map((layer) => layer.window));
  const hasWindow = window > 0 || architecture === "gemma2" || family.ropes.length > 1;
  return hasWindow ? counts({ "attention.sliding_window": window || contextMax }) : [];
}

function capKeys({ architecture, family }: ModelShape): readonly Pair[] {
  const { attentionCap, logitCap } = family;
  const isCapped = architecture === "gemma2";
  return [
    ...isCapped ? [["attn_logit_softcapping", f32(attentionCap)] satisfies Pair] : [],
    ...isCapped || logitCap > 0 ? [["final_logit_softcapping", f32(logitCap)] satisfies Pair] : [],
  ];
}

function encoderKeys(pooling: keyof typeof POOLINGS): readonly Pair[] {
  return [
    ["attention.causal", { type: "bool", value: false }],
    ...counts({ pooling_type: POOLINGS[pooling] }),
  ];
}

function counts(values: Readonly<Record<string, number>>): Pair[] {
  return Object.entries(values).map(([key, value]) => [key, { type: "u32", value }]);
}

function f32(value: number): ValueToWrite {
  return { type: "f32", value };
}
