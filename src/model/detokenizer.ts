/**
 * Streaming detokenisation: text comes out as soon as its characters are whole.
 */
import type { DecodeOptions, Tokenizer } from "./tokenizer.ts";

/** Turns a stream of tokens into a stream of text, never splitting a character. */
export interface Detokenizer {
  /**
   * Takes a token; returns the text that is certain by now, perhaps none.
   *
   * @throws {RangeError} for an id outside the vocabulary
   */
  push(id: number): string;
  /** Ends the text: bytes of an unfinished character become U+FFFD. The detokenizer starts anew. */
  flush(): string;
}

const SPACE_BYTE = 0x20;

/**
 * Makes a detokenizer for one text.
 *
 * What it returns, joined, equals `decode` of all tokens with the same options. By default the
 * leading space of the first token stays, since generated tokens continue the prompt, as llama.cpp
 * does; a text of its own (`keepLeadingSpace: false`) loses the one that the vocabulary put there.
 */
export function createDetokenizer(tokenizer: Tokenizer, options: DecodeOptions = {}): Detokenizer {
  const strips = tokenizer.addSpacePrefix && options.keepLeadingSpace === false;
  const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  let strip = strips;
  return {
    push(id: number): string {
      const piece = tokenizer.piece(id);
      if (piece.length === 0) return "";
      const from = strip && piece[0] === SPACE_BYTE ? 1 : 0;
      strip = false;
      return decoder.decode(piece.subarray(from), { stream: true });
    },
    flush(): string {
      strip = strips;
      return decoder.decode();
    },
  };
}
