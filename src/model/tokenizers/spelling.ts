/**
 * What the kinds of vocabularies differ in: how plain text is spelled in tokens, and back.
 */

/** Spells text with the tokens of one vocabulary. */
export interface Spelling {
  /**
   * Appends the tokens of plain text to `ids`.
   *
   * @param text well formed, not empty, without special tokens
   * @param options `leads` is whether the text starts the input or follows a special token
   */
  encode(
    text: string,
    options: { readonly ids: number[]; readonly leads: boolean },
  ): void;
  /** The bytes that a normal token with this text adds to a text. */
  bytesOf(text: string): Uint8Array;
}

/** U+2581, which stands for a space inside a vocabulary. */
export const SPACE_MARK = "\u2581";

const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;

/** The byte that a text as "<0x0A>" names, or undefined. */
export function namedByte(text: string): number | undefined {
  const digits = BYTE_TOKEN.exec(text)?.[1];
  return digits === undefined ? undefined : Number.parseInt(digits, 16);
}

const encoder = new TextEncoder();

/** UTF-8. */
export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** Writes what no token spells: byte tokens when the vocabulary has all of them, else the unknown. */
export class ByteFallback {
  /** Byte to id of its token, or -1. */
  readonly #ids = new Int32Array(256).fill(-1);
  readonly #unknown: readonly number[];

  /** @param vocabulary of equal byte tokens the last counts */
  constructor(
    vocabulary: { texts: readonly string[]; unknownId: number | undefined },
  ) {
    vocabulary.texts.forEach((text, id) => {
      const byte = namedByte(text);
      if (byte !== undefined) this.#ids[byte] = id;
    });
    this.#unknown = vocabulary.unknownId === undefined ? [] : [vocabulary.unknownId];
  }

  /** Whether there is a token for every byte. */
  get isWhole(): boolean {
    return !this.#ids.includes(-1);
  }

  /** The tokens of a character's bytes; none if it can't be spelled and there is no unknown token. */
  tokensOf(bytes: Uint8Array): readonly number[] {
    const ids = Array.from(bytes, (byte) => this.#ids[byte] ?? -1);
    return ids.includes(-1) ? this.#unknown : ids;
  }
}
