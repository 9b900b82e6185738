/**
 * The choice of a tokenizer by a file's `tokenizer.ggml.model`.
 */
import type { GgufFile } from "./gguf_types.ts";
import { modelError, showValue } from "./_keys.ts";
import { SpmTokenizer } from "./tokenizers/spm.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { readVocabulary } from "./tokenizers/vocabulary.ts";

/**
 * Makes the tokenizer of a model file.
 *
 * @throws {ModelError} `unsupported-tokenizer` for a kind that this release does not have,
 * `bad-tokenizer` or `bad-metadata` for a vocabulary that is broken
 */
export function loadTokenizer(file: GgufFile): Tokenizer {
  const kind = file.metadata.get("tokenizer.ggml.model");
  if (kind !== "llama") {
    throw modelError(
      file,
      "unsupported-tokenizer",
      `'tokenizer.ggml.model' must be 'llama', the one that is supported: it is ${showValue(kind)}`,
    );
  }
  return new SpmTokenizer(readVocabulary(file));
}
