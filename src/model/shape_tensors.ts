/**
 * Presence and exact extents of every tensor of a Llama model.
 */
import { quoteForMessage } from "./errors.ts";
import type { GgufFile } from "./gguf_types.ts";
import { modelError } from "./_keys.ts";
import type { ModelShape } from "./shape.ts";

/** What a tensor that is not ours would mean, by the part of its name that tells. */
const MEANINGS: readonly (readonly [pattern: RegExp, meaning: string])[] = [
  [/\.bias$/, "biases"],
  [/rope_freqs|rope_factors/, "scaled RoPE frequencies"],
  [/_exps?\b|_shexp|gate_inp/, "a mixture of experts"],
  [/attn_(q|k)_norm/, "normalised queries and keys"],
];

/**
 * Checks that the file holds exactly the tensors of `shape`.
 *
 * @throws {ModelError} `bad-shape` for a missing or misshapen tensor, `unsupported-feature` for one
 * that the arithmetic has no place for
 */
export function checkTensors(file: GgufFile, shape: ModelShape): void {
  const expected = expectedTensors(shape);
  for (const name of file.tensors.keys()) {
    if (expected.has(name)) continue;
    const meaning = MEANINGS.find(([pattern]) => pattern.test(name))?.[1] ?? "something else";
    throw modelError(
      file,
      "unsupported-feature",
      `its tensor ${quoteForMessage(name)} means ${meaning}, which this release does not compute`,
    );
  }
  for (const [name, extents] of expected) {
    const info = file.tensors.get(name);
    if (info === undefined) throw modelError(file, "bad-shape", `it has no tensor '${name}'`);
    const current = info.shape.join(" x ");
    const wanted = extents.join(" x ");
    if (current !== wanted) {
      throw modelError(
        file,
        "bad-shape",
        `tensor '${name}' must have the shape ${wanted}: current shape is ${current}`,
      );
    }
  }
}

/** Name to extents, in ggml's order (row length first), of every tensor of a model of this shape. */
export function expectedTensors(shape: ModelShape): Map<string, readonly number[]> {
  const { width, ffnWidth, headCount, kvHeadCount, headWidth, vocabularySize } = shape;
  const queryWidth = headCount * headWidth;
  const kvWidth = kvHeadCount * headWidth;
  const expected = new Map<string, readonly number[]>();
  expected.set("token_embd.weight", [width, vocabularySize]);
  for (let layer = 0; layer < shape.layerCount; layer++) {
    const block: Readonly<Record<string, readonly number[]>> = {
      attn_norm: [width],
      attn_q: [width, queryWidth],
      attn_k: [width, kvWidth],
      attn_v: [width, kvWidth],
      attn_output: [queryWidth, width],
      ffn_norm: [width],
      ffn_gate: [width, ffnWidth],
      ffn_up: [width, ffnWidth],
      ffn_down: [ffnWidth, width],
    };
    for (const [part, extents] of Object.entries(block)) {
      expected.set(`blk.${layer}.${part}.weight`, extents);
    }
  }
  expected.set("output_norm.weight", [width]);
  if (!shape.tiedOutput) expected.set("output.weight", [width, vocabularySize]);
  return expected;
}
