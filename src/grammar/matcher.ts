/**
 * Holding a model to a grammar, token by token.
 */
import { buildAutomaton } from "./_automaton.ts";
import type { Automaton } from "./_automaton.ts";
import { GrammarError } from "./errors.ts";
import type { Grammar } from "./expression.ts";
import { masksMax, rememberedMax } from "./limits.ts";
import { PlaceSets } from "./_place_sets.ts";
import type { PlaceSet } from "./_place_sets.ts";
import type { VocabularyTree } from "./vocabulary.ts";

/** A text on its way through a grammar. */
export interface Matcher {
  /** Whether an end token was accepted; nothing can follow. */
  readonly ended: boolean;
  /** Whether the text may end here. */
  readonly mayEnd: boolean;
  /**
   * The tokens that may come next: token `i` by bit `i % 32` of word `i >> 5`. End tokens are among
   * them exactly when the text may end. It is shared: do not change it.
   *
   * @throws {GrammarError} `dead-end` when the vocabulary has no token that goes on
   */
  mask(): Uint32Array;
  /**
   * Goes on by a token.
   *
   * @throws {RangeError} when the mask does not allow it
   */
  accept(token: number): void;
  /** Another matcher at the same place. */
  fork(): Matcher;
}

/** A grammar made ready for a vocabulary; any number of texts may go through it. */
export interface CompiledGrammar {
  matcher(): Matcher;
}

/** What compiling takes besides the grammar. */
export interface CompileOptions {
  /** The tree, or what gives it when a text begins: a grammar is checked without one. */
  readonly vocabulary: VocabularyTree | (() => VocabularyTree);
  /** Control tokens that stand for a text all the same, such as the one that begins tool calls. */
  readonly spelled?: ReadonlyMap<number, string>;
}

/**
 * Makes a grammar ready.
 *
 * @throws {GrammarError} `syntax`, `unsatisfiable`, `too-large`
 */
export function compileGrammar(grammar: Grammar, options: CompileOptions): CompiledGrammar {
  const automaton = buildAutomaton(grammar);
  let compiled: Compiled | undefined;
  return {
    matcher: (): Matcher => {
      // Texts on their way go on with what was found for them.
      if (compiled === undefined || compiled.sets.size > rememberedMax) {
        compiled = new Compiled(automaton, options);
      }
      return new TokenMatcher(compiled, compiled.sets.start);
    },
  };
}

class Compiled {
  readonly sets: PlaceSets;
  readonly vocabulary: VocabularyTree;
  readonly #classOf: Uint8Array;
  readonly #spelled: ReadonlyMap<number, Uint8Array>;
  readonly #masks = new Map<PlaceSet, Uint32Array>();

  constructor(automaton: Automaton, { vocabulary, spelled = new Map() }: CompileOptions) {
    this.sets = new PlaceSets(automaton);
    this.vocabulary = typeof vocabulary === "function" ? vocabulary() : vocabulary;
    this.#classOf = automaton.classOf;
    const encoder = new TextEncoder();
    this.#spelled = new Map([...spelled].map(([id, text]) => [id, encoder.encode(text)] as const));
  }

  /** Where a token leads, or null when it does not fit. */
  after(set: PlaceSet, token: number): PlaceSet | null {
    const bytes = this.#spelled.get(token) ?? this.vocabulary.tokenBytes(token);
    if (bytes.length === 0) return null;
    this.sets.allow();
    let at: PlaceSet | null = set;
    for (const byte of bytes) {
      at = this.sets.step(at, byte);
      if (at === null) return null;
    }
    return at;
  }

  mask(set: PlaceSet): Uint32Array {
    const known = this.#masks.get(set);
    if (known !== undefined) {
      // The one that was used last goes to the end, so that the first is the one to give up.
      this.#masks.delete(set);
      this.#masks.set(set, known);
      return known;
    }
    const mask = this.#findMask(set);
    for (const [oldest] of this.#masks) {
      if (this.#masks.size < masksMax) break;
      this.#masks.delete(oldest);
    }
    this.#masks.set(set, mask);
    return mask;
  }

  #findMask(set: PlaceSet): Uint32Array {
    this.sets.allow();
    const mask = new Uint32Array(Math.ceil(this.vocabulary.size / 32));
    const allow = (token: number): void => {
      mask[token >> 5] = (mask[token >> 5] ?? 0) | (1 << (token & 31));
    };
    this.#walk(set, allow);
    for (const token of this.#spelled.keys()) {
      if (this.after(set, token) !== null) allow(token);
    }
    if (set.accepts) this.vocabulary.endTokens.forEach(allow);
    if (mask.every((word) => word === 0)) {
      throw new GrammarError(
        "dead-end",
        "Cannot go on with the answer as the model has no token that the grammar allows here",
      );
    }
    return mask;
  }

  /** Visits the tokens that fit; what begins with a byte that does not fit is passed over. */
  #walk(set: PlaceSet, allow: (token: number) => void): void {
    const { bytes, depths, ends, tokensFrom, tokensTo, tokens, depthMax } = this.vocabulary;
    const way: PlaceSet[] = new Array(depthMax + 1).fill(set);
    for (let node = 0; node < bytes.length;) {
      const depth = depths[node] ?? 1;
      const from = way[depth - 1] ?? set;
      const byteClass = this.#classOf[bytes[node] ?? 0] ?? 0;
      const known = from.next[byteClass];
      const next = known === undefined ? this.sets.learn(from, byteClass) : known;
      if (next === null) {
        node = ends[node] ?? bytes.length;
        continue;
      }
      way[depth] = next;
      const to = tokensTo[node] ?? 0;
      for (let i = tokensFrom[node] ?? 0; i < to; i++) allow(tokens[i] ?? 0);
      node++;
    }
  }
}

class TokenMatcher implements Matcher {
  readonly #compiled: Compiled;
  #set: PlaceSet;
  #ended = false;

  constructor(compiled: Compiled, set: PlaceSet) {
    this.#compiled = compiled;
    this.#set = set;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get mayEnd(): boolean {
    return this.#set.accepts;
  }

  mask(): Uint32Array {
    return this.#compiled.mask(this.#set);
  }

  accept(token: number): void {
    const isEnd = this.#compiled.vocabulary.endTokens.includes(token);
    const next = isEnd ? null : this.#compiled.after(this.#set, token);
    if (this.#ended || (next === null && !(isEnd && this.#set.accepts))) {
      throw new RangeError(
        `Cannot go on as the token must be one that the grammar allows: it is ${token}`,
      );
    }
    if (next === null) this.#ended = true;
    else this.#set = next;
  }

  fork(): Matcher {
    const fork = new TokenMatcher(this.#compiled, this.#set);
    fork.#ended = this.#ended;
    return fork;
  }
}
