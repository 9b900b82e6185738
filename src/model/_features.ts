/**
 * The architecture keys that this release understands, and those that it accepts only when they ask
 * for nothing.
 *
 * A key below the architecture's name that is outside both lists, and that its family does not
 * read, is refused by name: it may change the arithmetic.
 */
import { quoteForMessage } from "./errors.ts";
import type { Architecture } from "./family.ts";
import type { GgufFile, MetadataValue } from "./gguf_types.ts";
import { modelError, showValue } from "./_keys.ts";

/** Keys that every family reads, and keys that describe without changing the arithmetic. */
const KNOWN: ReadonlySet<string> = new Set([
  "block_count",
  "context_length",
  "embedding_length",
  "feed_forward_length",
  "vocab_size",
  "attention.head_count",
  "attention.head_count_kv",
  "attention.key_length",
  "attention.value_length",
  "attention.layer_norm_rms_epsilon",
  "attention.layer_norm_epsilon",
  "rope.dimension_count",
  "rope.freq_base",
  "rope.scale_linear",
  "rope.scaling.type",
  "rope.scaling.factor",
  "rope.scaling.attn_factor",
  "rope.scaling.original_context_length",
  "rope.scaling.finetuned",
  "rope.scaling.yarn_ext_factor",
  "rope.scaling.yarn_beta_fast",
  "rope.scaling.yarn_beta_slow",
  "rope.scaling.yarn_log_multiplier",
  "expert_used_count",
  "file_type",
]);

type Values = readonly MetadataValue[];

/** Keys outside the architecture's, with the values that are supported. */
const GENERAL: ReadonlyMap<string, Values> = new Map<string, Values>([
  ["general.type", ["model"]],
  ["split.count", [0, 1]],
]);

/** The architecture's keys with the values that leave the arithmetic of a family as it is. */
const NEUTRAL: ReadonlyMap<string, Values> = new Map<string, Values>([
  ["expert_count", [0]],
  ["rope.scaling.yarn_attn_factor", [1]],
  ["attention.causal", [true]],
  ["attention.scale", [0]],
  ["attention.sliding_window", [0]],
  ["attention.clamp_kqv", [0]],
  ["attention.max_alibi_bias", [0]],
  ["attention.temperature_scale", [0]],
  ["attn_logit_softcapping", [0]],
  ["final_logit_softcapping", [0]],
  ["pooling_type", [0]],
  ["use_parallel_residual", [false]],
  ["logit_scale", [0, 1]],
  ["residual_scale", [0, 1]],
  ["embedding_scale", [0, 1]],
  ["tensor_data_layout", ["Meta AI original pth"]],
]);

/**
 * Checks that no key asks for arithmetic beyond the family's.
 *
 * With a scaling type of "none" the other scaling keys mean nothing, and are not looked at.
 *
 * @param options `ownKeys` are those that the family reads itself, without the prefix
 * @throws {ModelError} `unsupported-feature` naming the key and its value
 */
export function checkFeatures(
  file: GgufFile,
  options: { readonly architecture: Architecture; readonly ownKeys: readonly string[] },
): void {
  const { architecture, ownKeys } = options;
  const prefix = `${architecture}.`;
  const isUnscaled = file.metadata.get(`${prefix}rope.scaling.type`) === "none";
  for (const [key, value] of file.metadata) {
    const general = GENERAL.get(key);
    if (general !== undefined) checkValue(file, { key, value, supported: general });
    if (!key.startsWith(prefix)) continue;
    const name = key.slice(prefix.length);
    if (ownKeys.includes(name) || KNOWN.has(name)) continue;
    if (isUnscaled && name.startsWith("rope.scal")) continue;
    const neutral = NEUTRAL.get(name);
    if (neutral !== undefined) checkValue(file, { key, value, supported: neutral });
    else {
      throw modelError(
        file,
        "unsupported-feature",
        `its key ${quoteForMessage(key)} (${showValue(value)}) is not one that this release knows`,
      );
    }
  }
}

function checkValue(
  file: GgufFile,
  options: { readonly key: string; readonly value: MetadataValue; readonly supported: Values },
): void {
  const { key, value, supported } = options;
  if (supported.includes(value)) return;
  throw modelError(
    file,
    "unsupported-feature",
    `'${key}' is only supported as ${supported.map(showValue).join(" or ")}: it is ${
      showValue(value)
    }`,
  );
}
