/**
 * Grammars of a model, made ready once and kept for the next request that asks for the same.
 *
 * The vocabulary is sorted when the first request needs it, in slices between which others are
 * served: it takes a good part of a second for the largest vocabularies. Policy at the limit: the
 * grammar that was used longest ago goes.
 */
import { compileGrammar, vocabularySlices } from "../../grammar/mod.ts";
import type { CompiledGrammar, Grammar, Matcher, VocabularyTree } from "../../grammar/mod.ts";
import type { Metrics } from "../../kernel/mod.ts";
import type { Tokenizer } from "../../model/mod.ts";
import type { Clock } from "../../ports/mod.ts";
import { grammarsMax, sortingMsMax } from "./limits.ts";

/** What a store works with. */
export interface GrammarStoreOptions {
  readonly tokenizer: Tokenizer;
  /** Logits of the model. */
  readonly vocabularySize: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

/** A grammar to make ready. */
export interface GrammarRequest {
  /** Requests with one key ask for one grammar. */
  readonly key: string;
  readonly grammar: () => Grammar;
  /** Control tokens that the grammar may use, and their text. */
  readonly spelled?: ReadonlyMap<number, string>;
}

/** A grammar that was checked. */
export interface StoredGrammar {
  /** A text at its beginning, when the vocabulary is sorted. */
  matcher(): Promise<Matcher>;
}

/** The grammars of one model. */
export class GrammarStore {
  readonly #options: GrammarStoreOptions;
  readonly #kept = new Map<string, CompiledGrammar>();
  readonly #counter;
  #sorting: Promise<VocabularyTree> | undefined;
  #vocabulary: VocabularyTree | undefined;

  constructor(options: GrammarStoreOptions) {
    this.#options = options;
    this.#counter = options.metrics.counter({
      name: "inference_grammars_total",
      help: "Forms of answers: made ready, found ready, and given up for newer ones",
      labels: ["event"],
    });
  }

  /**
   * The grammar, checked; the vocabulary begins to be sorted.
   *
   * @throws {GrammarError} when it cannot be held to
   */
  get({ key, grammar, spelled = new Map() }: GrammarRequest): StoredGrammar {
    const known = this.#kept.get(key);
    const vocabulary = (): VocabularyTree => this.#sorted();
    const compiled = known ?? compileGrammar(grammar(), { vocabulary, spelled });
    this.#counter.add(1, { event: known === undefined ? "made" : "found" });
    this.#kept.delete(key);
    this.#kept.set(key, compiled);
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= grammarsMax) break;
      this.#kept.delete(oldest);
      this.#counter.add(1, { event: "dropped" });
    }
    const sorting = this.#sorting ??= this.#sort();
    // A request that is refused for another reason does not wait for it.
    sorting.catch(() => {});
    return {
      matcher: async (): Promise<Matcher> => {
        await sorting;
        return compiled.matcher();
      },
    };
  }

  #sorted(): VocabularyTree {
    if (this.#vocabulary !== undefined) return this.#vocabulary;
    throw new TypeError("Cannot begin a text as the vocabulary must be sorted before");
  }

  async #sort(): Promise<VocabularyTree> {
    const { tokenizer, vocabularySize: size, clock } = this.#options;
    const known = Math.min(size, tokenizer.vocabularySize);
    const endTokens: number[] = [];
    for (let id = 0; id < known; id++) if (tokenizer.isEndOfGeneration(id)) endTokens.push(id);
    const none = new Uint8Array(0);
    const tokenBytes = (id: number): Uint8Array => id < known ? tokenizer.piece(id) : none;
    const slices = vocabularySlices({ size, tokenBytes, endTokens });
    let sinceMs = clock.monotonicMs();
    for (;;) {
      const { done, value } = slices.next();
      if (done === true) return this.#vocabulary = value;
      if (clock.monotonicMs() - sinceMs < sortingMsMax) continue;
      await clock.sleep(0);
      sinceMs = clock.monotonicMs();
    }
  }
}
