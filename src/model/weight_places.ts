/**
 * Where a model's weights lie in its file: names of tensors, and rows of those that hold several.
 *
 * Names are GGUF's (ggml's gguf-py constants). A fused tensor holds its matrices' rows one after
 * the other: queries, keys, values; gate, up.
 */
import type { LayerMatrix } from "./family.ts";
import type { ModelShape } from "./shape.ts";

/** Vectors of RoPE factors for a context beyond the first one, and within it; a model uses one. */
export const longAndShortFactors = [
  "rope_factors_long.weight",
  "rope_factors_short.weight",
] as const;

/** A matrix: a run of rows of one tensor, and the vector that is added to its product. */
export interface MatrixPlace {
  readonly tensor: string;
  readonly firstRow: number;
  readonly rowCount: number;
  readonly columnCount: number;
  /** A vector of as many values as its tensor has rows; `firstRow` on are this matrix's. */
  readonly bias: string | undefined;
}

/** The norms that a layer may have. */
export type LayerNorm =
  | "attn_norm"
  | "attn_q_norm"
  | "attn_k_norm"
  | "post_attention_norm"
  | "ffn_norm"
  | "post_ffw_norm"
  | "attn_output_norm"
  | "layer_output_norm";

/** A norm's weights, and its bias where it is a layer norm. */
export interface NormPlace {
  readonly weight: string;
  readonly bias: string | undefined;
  readonly length: number;
}

/** The matrices of every layer, in the order in which a pass uses them. */
export function layerMatricesOf({ family }: ModelShape): readonly LayerMatrix[] {
  const attention = ["attn_q", "attn_k", "attn_v", "attn_output"] as const;
  return family.gated
    ? [...attention, "ffn_gate", "ffn_up", "ffn_down"]
    : [...attention, "ffn_up", "ffn_down"];
}

/** Where a layer's matrix lies. */
export function matrixPlace(
  shape: ModelShape,
  layer: number,
  matrix: LayerMatrix,
): MatrixPlace {
  const { width, ffnWidth, headCount, kvHeadCount, headWidth, family } = shape;
  const queries = headCount * headWidth;
  const keys = kvHeadCount * headWidth;
  const qkv = family.fused.includes("qkv") ? "attn_qkv" : undefined;
  const gateUp = family.fused.includes("gate-up") ? "ffn_up" : undefined;
  const from = (name: string, firstRow: number, rowCount: number): MatrixPlace => ({
    tensor: `blk.${layer}.${name}.weight`,
    firstRow,
    rowCount,
    columnCount: width,
    bias: family.biases.includes(matrix) ? `blk.${layer}.${name}.bias` : undefined,
  });
  switch (matrix) {
    case "attn_q":
      return from(qkv ?? matrix, 0, queries);
    case "attn_k":
      return from(qkv ?? matrix, qkv === undefined ? 0 : queries, keys);
    case "attn_v":
      return from(qkv ?? matrix, qkv === undefined ? 0 : queries + keys, keys);
    case "attn_output":
      return { ...from(matrix, 0, width), columnCount: queries };
    case "ffn_gate":
      return from(gateUp ?? matrix, 0, ffnWidth);
    case "ffn_up":
      return from(matrix, gateUp === undefined ? 0 : ffnWidth, ffnWidth);
    case "ffn_down":
      return { ...from(matrix, 0, width), columnCount: ffnWidth };
  }
}

/** The norms of every layer, in the order in which a pass uses them. */
export function layerNormsOf({ family }: ModelShape): readonly LayerNorm[] {
  const heads = family.headNorms ? ["attn_q_norm", "attn_k_norm"] as const : [];
  switch (family.normPlaces) {
    case "before":
      return ["attn_norm", ...heads, "ffn_norm"];
    case "around":
      return ["attn_norm", ...heads, "post_attention_norm", "ffn_norm", "post_ffw_norm"];
    case "after":
      return [...heads, "attn_output_norm", "layer_output_norm"];
  }
}

/** Where a layer's norm lies. */
export function normPlace(shape: ModelShape, layer: number, norm: LayerNorm): NormPlace {
  const ofHeads = norm === "attn_q_norm" || norm === "attn_k_norm";
  return place(shape, `blk.${layer}.${norm}`, ofHeads ? shape.headWidth : shape.width);
}

/** The norm before the head; an encoder has none. */
export function headNormPlace(shape: ModelShape): NormPlace | undefined {
  return shape.family.pooling === undefined ? place(shape, "output_norm", shape.width) : undefined;
}

/** The norm after the embedding, which models have whose layers end in norms. */
export function embeddingNormPlace(shape: ModelShape): NormPlace | undefined {
  return shape.family.normPlaces === "after"
    ? place(shape, "token_embd_norm", shape.width)
    : undefined;
}

/** The tensor of the head's matrix: the embedding where the file ties them, none in an encoder. */
export function headMatrixTensor({ family, tiedOutput }: ModelShape): string | undefined {
  if (family.pooling !== undefined) return undefined;
  return tiedOutput ? "token_embd.weight" : "output.weight";
}

function place({ family }: ModelShape, name: string, length: number): NormPlace {
  const bias = family.norm === "layer" ? `${name}.bias` : undefined;
  return { weight: `${name}.weight`, bias, length };
}
