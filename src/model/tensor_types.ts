/**
 * The element types of ggml: ids, names, and how many bytes a block of elements takes.
 *
 * Sizes follow from ggml's block layouts (ggml-common.h): for example Q8_0 is one f16 scale and 32
 * signed bytes = 34 bytes for 32 elements.
 */
import type { TensorType } from "./gguf_types.ts";

/** How a tensor type stores its elements. */
export interface BlockLayout {
  /** Elements of one block; rows are a whole number of blocks. */
  readonly elements: number;
  /** Bytes of one block. */
  readonly sizeBytes: number;
}

/** Block layout of every type that this release reads. */
export const TENSOR_LAYOUTS: Readonly<Record<TensorType, BlockLayout>> = {
  F32: { elements: 1, sizeBytes: 4 },
  F16: { elements: 1, sizeBytes: 2 },
  BF16: { elements: 1, sizeBytes: 2 },
  Q4_0: { elements: 32, sizeBytes: 2 + 16 },
  Q4_1: { elements: 32, sizeBytes: 2 + 2 + 16 },
  Q5_0: { elements: 32, sizeBytes: 2 + 4 + 16 },
  Q5_1: { elements: 32, sizeBytes: 2 + 2 + 4 + 16 },
  Q8_0: { elements: 32, sizeBytes: 2 + 32 },
  Q2_K: { elements: 256, sizeBytes: 16 + 64 + 2 + 2 },
  Q3_K: { elements: 256, sizeBytes: 32 + 64 + 12 + 2 },
  Q4_K: { elements: 256, sizeBytes: 2 + 2 + 12 + 128 },
  Q5_K: { elements: 256, sizeBytes: 2 + 2 + 12 + 32 + 128 },
  Q6_K: { elements: 256, sizeBytes: 128 + 64 + 16 + 2 },
  IQ4_NL: { elements: 32, sizeBytes: 2 + 16 },
};

/** Id in the file to type, for every type that this release reads (enum ggml_type). */
export const TENSOR_TYPE_BY_ID: ReadonlyMap<number, TensorType> = new Map<number, TensorType>([
  [0, "F32"],
  [1, "F16"],
  [2, "Q4_0"],
  [3, "Q4_1"],
  [6, "Q5_0"],
  [7, "Q5_1"],
  [8, "Q8_0"],
  [10, "Q2_K"],
  [11, "Q3_K"],
  [12, "Q4_K"],
  [13, "Q5_K"],
  [14, "Q6_K"],
  [20, "IQ4_NL"],
  [30, "BF16"],
]);

/** Names of ggml types that exist but are refused, so that a message can say what was met. */
export const REFUSED_TYPE_NAMES: ReadonlyMap<number, string> = new Map([
  [9, "Q8_1"],
  [15, "Q8_K"],
  [16, "IQ2_XXS"],
  [17, "IQ2_XS"],
  [18, "IQ3_XXS"],
  [19, "IQ1_S"],
  [21, "IQ3_S"],
  [22, "IQ2_S"],
  [23, "IQ4_XS"],
  [24, "I8"],
  [25, "I16"],
  [26, "I32"],
  [27, "I64"],
  [28, "F64"],
  [29, "IQ1_M"],
  [34, "TQ1_0"],
  [35, "TQ2_0"],
  [39, "MXFP4"],
]);
