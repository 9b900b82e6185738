/**
 * The loop from tokens to text: compute, sample, detokenise, look for an end.
 */
import type { Sampler } from "../../engine/mod.ts";
import { createDetokenizer } from "../../model/mod.ts";
import type { Detokenizer, Tokenizer } from "../../model/mod.ts";
import { guarded } from "./constraint.ts";
import type { Constraint } from "./constraint.ts";
import type { FinishReason, GenerateItem, ListedToken } from "./schemas.ts";
import type { Sequence } from "./sequence.ts";
import { StopMatcher } from "./stop_matcher.ts";
import { TokenLister } from "./token_lister.ts";

/** What one generation works with. */
export interface GenerationOptions {
  readonly promptTokens: Uint32Array;
  /** Tokens to sample at most, at least 1; prompt and answer fit in the context. */
  readonly maxTokens: number;
  readonly stops: readonly string[];
  readonly sequence: Sequence;
  readonly sampler: Sampler;
  /** Whether the sampler looks at the tokens so far. */
  readonly penalises: boolean;
  /** How many of the likeliest tokens to list with each token; undefined lists none at all. */
  readonly topLogprobs?: number | undefined;
  /** What the answer is held to. */
  readonly constraint?: Constraint | undefined;
  readonly tokenizer: Tokenizer;
  /** Told after each sampled token. */
  readonly onToken: () => void;
}

/** Text and end items of one answer; the caller closes the sequence. */
export async function* generateText(options: GenerationOptions): AsyncGenerator<GenerateItem> {
  const { promptTokens, sequence, sampler, tokenizer } = options;
  const answer = new Answer(options);
  const history = [...promptTokens];
  const matcher = await options.constraint?.grammar.matcher();
  const field = options.constraint?.field ?? "format";
  let next = promptTokens;
  for (;;) {
    const logits = await sequence.extend(next);
    const position = history.length;
    const mask = matcher === undefined ? undefined : guarded(field, () => matcher.mask());
    const seen = options.penalises ? history : [];
    const token = sampler.sample(logits, { position, history: seen, mask });
    if (matcher !== undefined) guarded(field, () => matcher.accept(token));
    answer.list(token, logits);
    history.push(token);
    options.onToken();
    const finish = answer.take(token, tokenizer.isEndOfGeneration(token));
    const text = answer.takeText();
    if (text !== "") yield { type: "text", text, ...answer.takeTokens() };
    if (finish !== undefined) {
      const usage = {
        promptTokens: promptTokens.length,
        cachedTokens: sequence.cachedTokens,
        completionTokens: history.length - promptTokens.length,
      };
      yield { type: "end", ...finish, usage, ...answer.takeTokens() };
      return;
    }
    next = Uint32Array.of(token);
  }
}

interface Finish {
  readonly finishReason: FinishReason;
  readonly stopSequence?: string;
}

/** The text side of an answer: what is certain, what is held back, and how it ended. */
class Answer {
  readonly #maxTokens: number;
  readonly #detokenizer: Detokenizer;
  readonly #matcher: StopMatcher;
  readonly #lister: TokenLister | undefined;
  readonly #spelled: ReadonlyMap<number, string> | undefined;
  #tokens: number[] = [];
  #text = "";
  #count = 0;

  constructor(options: GenerationOptions) {
    const { maxTokens, stops, topLogprobs, sampler, tokenizer } = options;
    this.#maxTokens = maxTokens;
    this.#detokenizer = createDetokenizer(tokenizer);
    this.#matcher = new StopMatcher(stops);
    this.#spelled = options.constraint?.spelled;
    this.#lister = topLogprobs === undefined
      ? undefined
      : new TokenLister({ topLogprobs, sampler, tokenizer });
  }

  /** Notes the log-probabilities of a token that is about to be taken. */
  list(token: number, logits: Float32Array): void {
    this.#lister?.list(token, logits);
  }

  /** Takes a sampled token; says how the answer has ended, if it has. */
  take(token: number, endOfGeneration: boolean): Finish | undefined {
    this.#tokens.push(token);
    this.#count++;
    if (endOfGeneration) return this.#flush("stop");
    const found = this.#push(this.#spelled?.get(token) ?? this.#detokenizer.push(token));
    if (found !== undefined) return found;
    return this.#count === this.#maxTokens ? this.#flush("length") : undefined;
  }

  takeText(): string {
    const text = this.#text;
    this.#text = "";
    this.#lister?.gave(text);
    return text;
  }

  /** Tokens since the last time, and those of the text given so far that were not listed yet. */
  takeTokens(): { tokens: number[]; logprobs?: ListedToken[] } {
    const tokens = this.#tokens;
    this.#tokens = [];
    return this.#lister === undefined ? { tokens } : { tokens, logprobs: this.#lister.take() };
  }

  #push(piece: string): Finish | undefined {
    if (piece === "") return undefined;
    this.#lister?.read(piece);
    const { text, stop } = this.#matcher.push(piece);
    this.#text += text;
    return stop === undefined ? undefined : { finishReason: "stop", stopSequence: stop };
  }

  /** The end came by itself: what was held back is text, unless its rest completes a stop string. */
  #flush(finishReason: FinishReason): Finish {
    const found = this.#push(this.#detokenizer.flush());
    if (found !== undefined) return found;
    this.#text += this.#matcher.flush();
    return { finishReason };
  }
}
