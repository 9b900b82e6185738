/**
 * The spelling of `tokenizer.ggml.model` = "llama": SentencePiece's byte-pair encoding by score.
 *
 * Follows llama.cpp's behaviour for such files (src/llama-vocab.cpp): a space goes before a text and
 * after each special token when the vocabulary asks for it; spaces become U+2581; what no token
 * spells is written as byte tokens. Vocabularies without byte tokens, on which llama.cpp gives up, get
 * one unknown token for each such character.
 *
 * The text is merged as a whole, but no merge crosses a place between two characters that are
 * neighbours in no token: it is cut there first, which changes nothing and makes pieces to remember.
 */
import { NO_RANK } from "./_merges.ts";
import type { Merges } from "./_merges.ts";
import { mergeSymbols } from "./_pair_merge.ts";
import { NO_VALUE, PairTable } from "./_pair_table.ts";
import { PieceCache } from "./_piece_cache.ts";
import { ByteFallback, SPACE_MARK, utf8 } from "./spelling.ts";
import type { Spelling } from "./spelling.ts";
import { isReserved } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** SentencePiece byte-pair encoding over one vocabulary. */
export class SpmSpelling implements Spelling {
  readonly #addSpacePrefix: boolean;
  readonly #merges: ScoredMerges;
  readonly #fallback: ByteFallback;
  readonly #cache = new PieceCache();

  /** @param vocabulary checked by `readVocabulary` */
  constructor(vocabulary: Vocabulary) {
    this.#addSpacePrefix = vocabulary.addSpacePrefix;
    this.#fallback = new ByteFallback(vocabulary);
    this.#merges = new ScoredMerges(vocabulary);
  }

  encode(text: string, options: { readonly ids: number[]; readonly leads: boolean }): void {
    const { ids, leads } = options;
    const prefix = this.#addSpacePrefix && leads ? SPACE_MARK : "";
    const marked = prefix + text.replaceAll(" ", SPACE_MARK);
    let start = 0;
    let previous = marked.codePointAt(0) ?? 0;
    for (let at = unitsOf(previous); at < marked.length;) {
      const point = marked.codePointAt(at) ?? 0;
      if (!this.#merges.areNeighbours(previous, point)) {
        this.#encodePiece(marked.slice(start, at), ids);
        start = at;
      }
      previous = point;
      at += unitsOf(point);
    }
    if (start < marked.length) this.#encodePiece(marked.slice(start), ids);
  }

  bytesOf(text: string): Uint8Array {
    return utf8(text.replaceAll(SPACE_MARK, " "));
  }

  #encodePiece(piece: string, ids: number[]): void {
    let tokens = this.#cache.get(piece);
    if (tokens === undefined) {
      tokens = this.#tokensOf(piece);
      this.#cache.set(piece, tokens);
    }
    // A spread of a long piece would not fit on the stack.
    for (const token of tokens) ids.push(token);
  }

  #tokensOf(piece: string): readonly number[] {
    const symbols = new Int32Array(piece.length);
    let size = 0;
    for (let at = 0; at < piece.length;) {
      const point = piece.codePointAt(at) ?? 0;
      symbols[size++] = this.#merges.symbolOf(point);
      at += unitsOf(point);
    }
    const count = mergeSymbols(symbols.subarray(0, size), this.#merges);
    const ids: number[] = [];
    for (let i = 0; i < count; i++) {
      const symbol = symbols[i] ?? 0;
      const character = this.#merges.characterOf(symbol);
      if (character === undefined) ids.push(symbol);
      else ids.push(...this.#fallback.tokensOf(utf8(character)));
    }
    return ids;
  }
}

function unitsOf(point: number): number {
  return point > 0xffff ? 2 : 1;
}

/**
 * Merging of tokens and characters: two merge when their texts together are a token, the sooner the
 * higher its score.
 *
 * A symbol is a token's id; above them are the characters that are no tokens, by code point.
 */
class ScoredMerges implements Merges {
  readonly #size: number;
  readonly #ofPoint = new Map<number, number>();
  /** Pair of symbols to the token that they make. */
  readonly #joined = new PairTable();
  /** Token to the place of its score among all, the highest first. */
  readonly #ranks: Int32Array;
  /** Pairs of code points that follow each other in a token. */
  readonly #neighbours = new PairTable();

  constructor(vocabulary: Vocabulary) {
    this.#size = vocabulary.texts.length;
    this.#ranks = ranksOf(vocabulary.scores);
    const ids = new Map<string, number>();
    vocabulary.texts.forEach((text, id) => {
      if (isReserved(vocabulary.types[id])) return;
      ids.set(text, id);
      if (text.length === unitsOf(text.codePointAt(0) ?? 0)) {
        this.#ofPoint.set(text.codePointAt(0) ?? 0, id);
      }
    });
    for (const [text, id] of ids) this.#addSplits(text, { id, ids });
  }

  rank(left: number, right: number): number {
    const token = this.#joined.get(left, right);
    return token === NO_VALUE ? NO_RANK : this.#ranks[token] ?? NO_RANK;
  }

  joined(left: number, right: number): number {
    return this.#joined.get(left, right);
  }

  /** Whether two code points follow each other in a token. */
  areNeighbours(left: number, right: number): boolean {
    return this.#neighbours.get(left, right) !== NO_VALUE;
  }

  /** The symbol of one code point. */
  symbolOf(point: number): number {
    return this.#ofPoint.get(point) ?? this.#size + point;
  }

  /** The character of a symbol that is no token. */
  characterOf(symbol: number): string | undefined {
    return symbol < this.#size ? undefined : String.fromCodePoint(symbol - this.#size);
  }

  /** Adds all pairs of symbols that make a token. */
  #addSplits(text: string, token: { id: number; ids: ReadonlyMap<string, number> }): void {
    let previous = text.codePointAt(0) ?? 0;
    for (let at = unitsOf(previous); at < text.length;) {
      const point = text.codePointAt(at) ?? 0;
      this.#neighbours.add({ left: previous, right: point, value: 1 });
      const left = this.#symbolOfText(text.slice(0, at), token.ids);
      const right = this.#symbolOfText(text.slice(at), token.ids);
      if (left !== undefined && right !== undefined) {
        this.#joined.add({ left, right, value: token.id });
      }
      previous = point;
      at += unitsOf(point);
    }
  }

  #symbolOfText(text: string, ids: ReadonlyMap<string, number>): number | undefined {
    const id = ids.get(text);
    if (id !== undefined) return id;
    const point = text.codePointAt(0) ?? 0;
    return text.length === unitsOf(point) ? this.#size + point : undefined;
  }
}

/** Each score's place among the different scores, the highest first. */
function ranksOf(scores: Float32Array): Int32Array {
  const places = new Map<number, number>();
  for (const score of scores.toSorted().reverse()) {
    if (!places.has(score)) places.set(score, places.size);
  }
  return Int32Array.from(scores, (score) => places.get(score) ?? 0);
}
