/**
 * The architecture keys that this release understands, and those that it accepts only when they ask
 * for nothing.
 *
 * A `llama.*` key outside both lists is refused by name: it may change the arithmetic.
 */
import { quoteForMessage } from "./errors.ts";
import type { GgufFile, MetadataValue } from "./gguf_types.ts";
import { modelError, showValue } from "./_keys.ts";

/** Keys that shape.ts reads, and keys that describe without changing the arithmetic. */
const KNOWN: ReadonlySet<string> = new Set([
  "llama.block_count",
  "llama.context_length",
  "llama.embedding_length",
  "llama.feed_forward_length",
  "llama.vocab_size",
  "llama.attention.head_count",
  "llama.attention.head_count_kv",
  "llama.attention.key_length",
  "llama.attention.value_length",
  "llama.attention.layer_norm_rms_epsilon",
  "llama.rope.dimension_count",
  "llama.rope.freq_base",
  "llama.rope.scaling.original_context_length",
  "llama.rope.scaling.finetuned",
  "llama.expert_used_count",
  "llama.file_type",
]);

/** Keys with the values that leave the arithmetic of a plain Llama as it is. */
const NEUTRAL: ReadonlyMap<string, readonly MetadataValue[]> = new Map<
  string,
  readonly MetadataValue[]
>([
  ["general.type", ["model"]],
  ["split.count", [0, 1]],
  ["llama.expert_count", [0]],
  ["llama.rope.scaling.type", ["none"]],
  ["llama.rope.scaling.factor", [0, 1]],
  ["llama.rope.scaling.attn_factor", [1]],
  ["llama.rope.scale_linear", [0, 1]],
  ["llama.attention.causal", [true]],
  ["llama.attention.scale", [0]],
  ["llama.attention.sliding_window", [0]],
  ["llama.attention.clamp_kqv", [0]],
  ["llama.attention.max_alibi_bias", [0]],
  ["llama.use_parallel_residual", [false]],
  ["llama.logit_scale", [0, 1]],
  ["llama.residual_scale", [0, 1]],
  ["llama.embedding_scale", [0, 1]],
  ["llama.tensor_data_layout", ["Meta AI original pth"]],
]);

/**
 * Checks that no key asks for arithmetic beyond the plain Llama.
 *
 * With a scaling type of "none" the other scaling keys mean nothing, and are not looked at.
 *
 * @throws {ModelError} `unsupported-feature` naming the key and its value
 */
export function checkFeatures(file: GgufFile): void {
  const unscaled = file.metadata.get("llama.rope.scaling.type") === "none";
  for (const [key, value] of file.metadata) {
    if (unscaled && key.startsWith("llama.rope.scal")) continue;
    const neutral = NEUTRAL.get(key);
    if (neutral !== undefined) {
      if (neutral.includes(value)) continue;
      throw modelError(
        file,
        "unsupported-feature",
        `'${key}' is only supported as ${neutral.map(showValue).join(" or ")}: it is ${
          showValue(value)
        }`,
      );
    }
    if (key.startsWith("llama.") && !KNOWN.has(key)) {
      throw modelError(
        file,
        "unsupported-feature",
        `its key ${quoteForMessage(key)} (${showValue(value)}) is not one that this release knows`,
      );
    }
  }
}
