/**
 * What files leave unsaid about their tokens and llama.cpp knows by name: where generation ends, and
 * which tokens take white space away (src/llama-vocab.cpp).
 */
import type { GgufFile } from "../gguf_types.ts";

/** Texts at which chat models end a turn, or any model a text; they count as control tokens. */
const END_TEXTS: ReadonlySet<string> = new Set([
  "<|eot_id|>",
  "<|eom_id|>",
  "<|im_end|>",
  "<|end|>",
  "<|return|>",
  "<|call|>",
  "<|flush|>",
  "<|calls|>",
  "<|endoftext|>",
  "<|end_of_text|>",
  "<|end_of_turn|>",
  "<end_of_turn>",
  "<end_of_utterance>",
  "</s>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "[EOS]",
  "<eos>",
  "<turn|>",
  "<|tool_response>",
  "<\uff5cend\u2581of\u2581sentence\uff5c>",
  "[e~[",
]);

/** Those of `END_TEXTS` that end a turn rather than a text, in order of preference. */
const TURN_TEXTS: readonly string[] = [
  "<|eot_id|>",
  "<|im_end|>",
  "<|end|>",
  "<end_of_turn>",
  "<|end_of_turn|>",
  "<EOT>",
  "_<EOT>",
  "[EOT]",
  "<end_of_utterance>",
];

/** Tokens for filling in the middle: key, whether generation ends there, texts; control tokens too. */
const INFILL: readonly (readonly [key: string, ends: boolean, texts: string])[] = [
  [
    "fim_pre",
    false,
    "<|fim_prefix|> <fim-prefix> <fim_prefix> <\uff5cfim\u2581begin\uff5c> <PRE> \u2581<PRE> <|code_prefix|> <|prefix|>",
  ],
  [
    "fim_suf",
    false,
    "<|fim_suffix|> <fim-suffix> <fim_suffix> <\uff5cfim\u2581hole\uff5c> <SUF> \u2581<SUF> <|code_suffix|> <|suffix|>",
  ],
  [
    "fim_mid",
    false,
    "<|fim_middle|> <fim-middle> <fim_middle> <\uff5cfim\u2581end\uff5c> <MID> \u2581<MID> <|code_middle|> <|middle|>",
  ],
  ["fim_pad", true, "<|fim_pad|> <fim-pad> <fim_pad> <PAD> [PAD]"],
  ["fim_rep", true, "<|fim_repo|> <|repo_name|> <fim-repo> <REPO> <reponame>"],
  ["fim_sep", true, "<|file_sep|>"],
];

const NAMES: ReadonlySet<string> = new Set([
  ...END_TEXTS,
  ...TURN_TEXTS,
  ...INFILL.flatMap(([, , texts]) => texts.split(" ")),
  "<unk>",
  "<s>",
  "<mask>",
  "[MASK]",
]);

/** The tokens of a vocabulary that have one of the known names. */
export interface NamedTokens {
  /** Tokens that count as control tokens whatever the file says. */
  readonly control: ReadonlySet<number>;
  /** Tokens at which generation ends, beside those that the file names by id. */
  readonly ends: ReadonlySet<number>;
  /** Tokens at which it does not end, whatever else says so. */
  readonly notEnds: ReadonlySet<number>;
  /** Ends a turn. */
  readonly turnId: number | undefined;
  /** The ids of all names that were found; of equal texts the last counts. */
  readonly ids: ReadonlyMap<string, number>;
}

/**
 * Finds the named tokens.
 *
 * @param hasKey whether the file names the id of "fim_pre" and so on
 */
export function findNamedTokens(
  texts: readonly string[],
  hasKey: (name: string) => number | undefined,
): NamedTokens {
  const ids = new Map<string, number>();
  texts.forEach((text, id) => {
    if (NAMES.has(text)) ids.set(text, id);
  });
  const control = new Set<number>();
  const ends = new Set<number>();
  for (const [text, id] of ids) {
    if (!END_TEXTS.has(text)) continue;
    control.add(id);
    ends.add(id);
  }
  for (const [name, isEnd, names] of INFILL) {
    const given = hasKey(name);
    const found = names.split(" ").map((text) => ids.get(text)).find((id) => id !== undefined);
    const id = given ?? found;
    if (id === undefined) continue;
    if (given === undefined) control.add(id);
    if (isEnd) ends.add(id);
  }
  const notEnds = findFalseEnds(ids);
  const turnId = TURN_TEXTS.map((text) => ids.get(text)).find((id) => {
    return id !== undefined && !notEnds.has(id);
  });
  return { control, ends, notEnds, turnId, ids };
}

/** In vocabularies with ends of their own, "<|end|>" ends a part of an answer, and "</s>" nothing. */
function findFalseEnds(ids: ReadonlyMap<string, number>): ReadonlySet<number> {
  const has = (text: string): boolean => ids.has(text);
  const calls = has("<|call|>") || has("<|calls|>");
  const falseTexts = [
    ...calls && (has("<|return|>") || has("<|flush|>")) ? ["<|end|>"] : [],
    ...has("<|tool_response>") ? ["</s>"] : [],
  ];
  return new Set(falseTexts.map((text) => ids.get(text) ?? -1));
}

/**
 * The tokens that take the white space beside them away; no file says it, so it goes by model.
 *
 * @param options `specials` are all control, unknown and user-defined tokens
 */
export function findStrips(
  file: GgufFile,
  options: { specials: readonly number[]; ids: ReadonlyMap<string, number> },
): { stripsLeft: ReadonlySet<number>; stripsRight: ReadonlySet<number> } {
  const { specials, ids } = options;
  const includes = (key: string, parts: readonly string[]): boolean => {
    const value = file.metadata.get(key);
    return typeof value === "string" && parts.some((part) => value.toLowerCase().includes(part));
  };
  const only = (text: string): ReadonlySet<number> => {
    const id = ids.get(text);
    return new Set(id === undefined ? [] : [id]);
  };
  const none: ReadonlySet<number> = new Set();
  if (
    includes("tokenizer.ggml.pre", ["jina-v2-de", "jina-v2-es", "jina-v2-code"]) ||
    includes("general.architecture", ["nomic-bert-moe", "jina-bert-v3"])
  ) return { stripsLeft: only("<mask>"), stripsRight: none };
  if (includes("general.name", ["phi-3", "phi3"])) {
    const stripsRight = new Set(specials);
    for (const text of ["<unk>", "<s>", "<|endoftext|>"]) stripsRight.delete(ids.get(text) ?? -1);
    return { stripsLeft: none, stripsRight };
  }
  if (includes("general.name", ["modern-bert"])) {
    return { stripsLeft: only("[MASK]"), stripsRight: none };
  }
  return { stripsLeft: none, stripsRight: none };
}
