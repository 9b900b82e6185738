/**
 * Log-probabilities of an answer's tokens, told with the text that the tokens have become.
 *
 * A token is listed when the text that was given reaches past its beginning; so the token that ends
 * an answer is not, nor are those that only wrote a stop string.
 */
import type { Sampler, TokenLogprob } from "../../engine/mod.ts";
import type { Tokenizer } from "../../model/mod.ts";
import type { ListedToken, TokenChance } from "./schemas.ts";

/** What a lister works with. */
export interface TokenListerOptions {
  /** How many of the likeliest tokens to list with each. */
  readonly topLogprobs: number;
  readonly sampler: Pick<Sampler, "logprobs">;
  readonly tokenizer: Tokenizer;
}

/** Lists the tokens of one answer. Lengths are in code points. */
export class TokenLister {
  readonly #options: TokenListerOptions;
  #waiting: ListedToken[] = [];
  #readLength = 0;
  #givenLength = 0;

  constructor(options: TokenListerOptions) {
    this.#options = options;
  }

  /** Notes a token that begins where the text that was read ends. */
  list(token: number, logits: Float32Array): void {
    const { sampler, topLogprobs } = this.#options;
    const count = Math.min(topLogprobs, logits.length);
    const { chosen, top } = sampler.logprobs(logits, token, count);
    this.#waiting.push({
      ...this.#chance(chosen),
      offset: this.#readLength,
      top: top.map((one) => this.#chance(one)),
    });
  }

  /** Takes text that tokens have become, whether or not it will be given. */
  read(piece: string): void {
    this.#readLength += lengthOf(piece);
  }

  /** Takes text that was given. */
  gave(text: string): void {
    this.#givenLength += lengthOf(text);
  }

  /** The tokens of the text given so far, each once. */
  take(): ListedToken[] {
    const at = this.#waiting.findIndex(({ offset }) => offset >= this.#givenLength);
    const count = at < 0 ? this.#waiting.length : at;
    return this.#waiting.splice(0, count);
  }

  /** The decoder's own padding of a vocabulary has no text. */
  #chance({ token, logprob }: TokenLogprob): TokenChance {
    const { tokenizer } = this.#options;
    if (token >= tokenizer.vocabularySize) return { token, logprob, text: "", bytes: [] };
    const bytes = [...tokenizer.piece(token)];
    return bytes.length === 0
      ? { token, logprob, text: tokenizer.tokenText(token), bytes }
      : { token, logprob, text: new TextDecoder().decode(Uint8Array.from(bytes)), bytes };
  }
}

function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
