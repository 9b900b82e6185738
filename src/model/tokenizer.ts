/**
 * What a tokenizer does. Types only.
 */

/** How to encode a text. */
export interface EncodeOptions {
  /** Whether to start with the BOS token. @default the file's `add_bos_token` */
  readonly addBos?: boolean;
  /**
   * Whether to end with the EOS token, as embedding models want it: see the tokenizer's `addEos`.
   * @default false
   */
  readonly addEos?: boolean;
  /**
   * Whether the texts of control tokens ("<s>") become those tokens; never set it for text that a
   * stranger wrote. User-defined tokens are always recognised. @default false
   */
  readonly parseSpecial?: boolean;
}

/** How to decode tokens. */
export interface DecodeOptions {
  /**
   * Whether the space that the vocabulary puts before a text stays; set when the tokens continue
   * another text. @default false for `decode`, true for `createDetokenizer`
   */
  readonly keepLeadingSpace?: boolean;
}

/** A control, unknown or user-defined token. */
export interface SpecialToken {
  readonly id: number;
  readonly text: string;
  /** Control tokens never appear in decoded text; user-defined ones do. */
  readonly kind: "control" | "unknown" | "user-defined";
}

/** Text to token ids and back. Safe to share: what it remembers changes no result. */
export interface Tokenizer {
  /** The file's `tokenizer.ggml.model`. */
  readonly kind: "llama" | "gpt2" | "bert" | "t5";
  /** Number of tokens; ids are 0 to this, exclusive. */
  readonly vocabularySize: number;
  /** Beginning of sequence; for "bert" its [CLS]. */
  readonly bosId: number | undefined;
  /** End of sequence; for "bert" its [SEP]. */
  readonly eosId: number | undefined;
  /** End of a turn, for chat models that have one. */
  readonly eotId: number | undefined;
  /** Stands for what the vocabulary cannot spell. */
  readonly unknownId: number | undefined;
  /** Whether a text starts with BOS unless asked otherwise. */
  readonly addBos: boolean;
  /** Whether the file wants EOS after a whole text; nothing adds it unless asked. */
  readonly addEos: boolean;
  /** Whether a space is put before a text, and after a special token. */
  readonly addSpacePrefix: boolean;
  /** Special tokens, by ascending id. */
  readonly specialTokens: readonly SpecialToken[];
  /**
   * Encodes a text. Lone surrogates count as U+FFFD.
   *
   * @throws {RangeError} when the text is longer than `ENCODE_UNITS_MAX` (8 Mi) UTF-16 units
   */
  encode(text: string, options?: EncodeOptions): Uint32Array;
  /**
   * Decodes tokens to text; control and unknown tokens are left out, invalid UTF-8 becomes U+FFFD.
   *
   * @throws {RangeError} for an id outside the vocabulary
   */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /**
   * The bytes that a token adds to a text; none for control and unknown tokens.
   *
   * @throws {RangeError} for an id outside the vocabulary
   */
  piece(id: number): Uint8Array;
  /**
   * A token's own text in the vocabulary, as "<s>".
   *
   * @throws {RangeError} for an id outside the vocabulary
   */
  tokenText(id: number): string;
  /** Whether generation stops at this token. */
  isEndOfGeneration(id: number): boolean;
}
