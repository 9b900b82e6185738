/**
 * Grammars of a model, made ready once and kept for the next request that asks for the same.
 *
 * The vocabulary's tree is made at the first request that needs one, since it takes about a second
 * for the largest vocabularies. Policy at the limit: the grammar that was used longest ago goes.
 */
import { compileGrammar, vocabularyTree } from "../../grammar/mod.ts";
import type { CompiledGrammar, Grammar, VocabularyTree } from "../../grammar/mod.ts";
import type { Tokenizer } from "../../model/mod.ts";
import { grammarsMax } from "./limits.ts";

/** What a store works with. */
export interface GrammarStoreOptions {
  readonly tokenizer: Tokenizer;
  /** Logits of the model. */
  readonly vocabularySize: number;
}

/** A grammar to make ready. */
export interface GrammarRequest {
  /** Requests with one key ask for one grammar. */
  readonly key: string;
  readonly grammar: () => Grammar;
  /** Control tokens that the grammar may use, and their text. */
  readonly spelled?: ReadonlyMap<number, string>;
}

/** The grammars of one model. */
export class GrammarStore {
  readonly #options: GrammarStoreOptions;
  readonly #kept = new Map<string, CompiledGrammar>();
  #vocabulary: VocabularyTree | undefined;

  constructor(options: GrammarStoreOptions) {
    this.#options = options;
  }

  /**
   * The grammar, ready.
   *
   * @throws {GrammarError} when it cannot be held to
   */
  get({ key, grammar, spelled = new Map() }: GrammarRequest): CompiledGrammar {
    const known = this.#kept.get(key);
    const compiled = known ??
      compileGrammar(grammar(), { vocabulary: this.#tree(), spelled });
    this.#kept.delete(key);
    this.#kept.set(key, compiled);
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= grammarsMax) break;
      this.#kept.delete(oldest);
    }
    return compiled;
  }

  #tree(): VocabularyTree {
    const { tokenizer, vocabularySize: size } = this.#options;
    const known = Math.min(size, tokenizer.vocabularySize);
    const endTokens: number[] = [];
    for (let id = 0; id < known; id++) if (tokenizer.isEndOfGeneration(id)) endTokens.push(id);
    const none = new Uint8Array(0);
    const tokenBytes = (id: number): Uint8Array => id < known ? tokenizer.piece(id) : none;
    this.#vocabulary ??= vocabularyTree({ size, tokenBytes, endTokens });
    return this.#vocabulary;
  }
}
