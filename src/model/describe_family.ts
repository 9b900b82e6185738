/**
 * A family's choices in words, for people: what sets a model apart from a plain Llama.
 */
import type { Family, Rope } from "./family.ts";
import type { ModelShape } from "./shape.ts";

const PLACES: Readonly<Record<Family["normPlaces"], string>> = {
  before: "before each half of a layer",
  around: "around each half of a layer",
  after: "after each half of a layer",
};
const ACTIVATIONS: Readonly<Record<Family["activation"], string>> = {
  silu: "SiLU",
  "gelu-tanh": "GELU by tanh",
  "gelu-erf": "GELU by erf",
};

/** One short clause for each choice, without full stops. */
export function describeFamily(shape: ModelShape): readonly string[] {
  const { family } = shape;
  const { fused, biases } = family;
  return [
    `${family.norm === "rms" ? "RMS" : "layer"} norms ${PLACES[family.normPlaces]}`,
    ...family.headNorms ? ["normalised queries and keys"] : [],
    `${ACTIVATIONS[family.activation]}${family.gated ? ", gated" : ""}`,
    ...family.causal ? [] : ["every position sees every other"],
    ...windows(family),
    ...family.ropes.map((rope, index) => describeRope(shape, rope, index)),
    ...family.positionRows > 0 ? [`${family.positionRows} learned positions`] : [],
    ...biases.length > 0 ? [`biases on ${biases.join(", ")}`] : [],
    ...fused.length > 0 ? [`fused ${fused.join(" and ")}`] : [],
    ...family.attentionCap > 0 ? [`scores capped at ${family.attentionCap}`] : [],
    ...family.logitCap > 0 ? [`logits capped at ${family.logitCap}`] : [],
    ...family.embeddingScale === 1 ? [] : [`embeddings times ${round(family.embeddingScale)}`],
    ...family.pooling === undefined ? [] : [`pooled by ${family.pooling}`],
  ];
}

function windows({ layers }: Family): readonly string[] {
  const windowed = layers.filter(({ window }) => window > 0);
  const sizes = [...new Set(windowed.map(({ window }) => window))].sort((a, b) => a - b);
  return windowed.length === 0 ? [] : [
    `a window of ${sizes.join(" or ")} positions in ${windowed.length} of ${layers.length} layers`,
  ];
}

function describeRope(
  { ropeWidth, headWidth, family }: ModelShape,
  rope: Rope,
  index: number,
): string {
  const { yarn, frequencyScale } = rope;
  const count = family.layers.filter((layer) => layer.rope === index).length;
  const stretch = frequencyScale === 1 ? "" : `, stretched by ${round(1 / frequencyScale)}`;
  return [
    `RoPE of base ${rope.base}${stretch}`,
    ...yarn === undefined ? [] : [`YaRN from ${yarn.originalContext} positions`],
    ...rope.factorsTensor === undefined ? [] : [`factors from ${rope.factorsTensor}`],
    ...rope.magnitude === 1 ? [] : [`magnitude ${round(rope.magnitude)}`],
    ...ropeWidth === headWidth ? [] : [`${ropeWidth} of ${headWidth} elements`],
    ...family.ropes.length === 1 ? [] : [`in ${count} of ${family.layers.length} layers`],
  ].join(", ");
}

/** Six digits are enough to tell one model from another. */
function round(value: number): number {
  return Number(value.toPrecision(6));
}
