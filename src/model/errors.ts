/**
 * The one error class of this area: a model file, a tokenizer, or a chat that cannot be used.
 */

/**
 * Why a model cannot be used.
 *
 * - `not-found`, `not-a-file`: nothing, or no regular file, at the path.
 * - `not-gguf`, `big-endian`, `unsupported-version`: the first eight bytes are not ours to read.
 * - `truncated`: something runs past the end of the file.
 * - `too-large`: a count or length is above its limit (limits.ts).
 * - `bad-metadata`: a key or value is malformed, missing, or of the wrong type.
 * - `duplicate`: two keys or two tensors share a name.
 * - `bad-tensor`: a tensor's extents, offset, or place are impossible.
 * - `unsupported-tensor-type`: an element type that this release does not know.
 * - `unsupported-architecture`, `unsupported-feature`: the file is well formed, but needs arithmetic
 *   that this release does not have.
 * - `bad-shape`: hyperparameters and tensors contradict each other.
 * - `unsupported-tokenizer`, `bad-tokenizer`: another kind of vocabulary, or a broken one.
 * - `bad-template`, `bad-messages`: the chat template, or what it was given.
 * - `bad-manifest`: a manifest that cannot be read, or contradicts itself.
 * - `bad-name`, `name-taken`: a name that no model may have, or another one has.
 * - `changed`: a file that was written to while it was read.
 */
export type ModelErrorCode =
  | "not-found"
  | "not-a-file"
  | "not-gguf"
  | "big-endian"
  | "unsupported-version"
  | "truncated"
  | "too-large"
  | "bad-metadata"
  | "duplicate"
  | "bad-tensor"
  | "unsupported-tensor-type"
  | "unsupported-architecture"
  | "unsupported-feature"
  | "bad-shape"
  | "unsupported-tokenizer"
  | "bad-tokenizer"
  | "bad-template"
  | "bad-messages"
  | "bad-manifest"
  | "bad-name"
  | "name-taken"
  | "changed";

/** A model file, tokenizer or chat that cannot be used; the message is one sentence naming the place. */
export class ModelError extends Error {
  override readonly name = "ModelError";
  /** The kind of failure. */
  readonly code: ModelErrorCode;

  /** @param message one sentence; `cause` is what another library threw, if anything */
  constructor(code: ModelErrorCode, message: string, options: { cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}

const QUOTED_CHARACTERS_MAX = 80;

/**
 * Quotes a string from a file for a message: control characters escaped, long ones cut.
 *
 * @returns the text in single quotes, at most about 80 characters of it
 */
export function quoteForMessage(text: string): string {
  const cut = text.length > QUOTED_CHARACTERS_MAX
    ? `${text.slice(0, QUOTED_CHARACTERS_MAX)}...`
    : text;
  // deno-lint-ignore no-control-regex
  const escaped = cut.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/g, (c) => {
    return `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
  return `'${escaped}'`;
}
