/**
 * Byte-pair merging by score, as SentencePiece and llama.cpp do it, in O(n log n).
 *
 * The text starts as single characters in a linked list. The pair of neighbours whose union is the
 * token of the highest score is joined, leftmost first among equals, until no union is a token.
 */
import { type Bigram, BigramHeap } from "./_bigram_heap.ts";

/** Looks up the score of a text that is a token; `undefined` when it is none. */
export type ScoreOf = (text: string) => number | undefined;

/**
 * Splits `text` into the pieces that merging leaves: tokens, and characters that are no token.
 *
 * @param options `unitsMax` is the length of the longest token, in UTF-16 units
 */
export function mergePieces(
  text: string,
  options: { scoreOf: ScoreOf; unitsMax: number },
): string[] {
  const merging = new Merging(text, options);
  merging.run();
  return merging.pieces();
}

/** Number of the symbol before the first and after the last. */
const NONE = -1;

class Merging {
  readonly #text: string;
  readonly #scoreOf: ScoreOf;
  readonly #unitsMax: number;
  /** Symbol to first UTF-16 unit. */
  readonly #starts: Int32Array;
  /** Symbol to length; 0 once it was merged into its left neighbour. */
  readonly #units: Int32Array;
  readonly #previous: Int32Array;
  readonly #next: Int32Array;
  readonly #heap: BigramHeap;
  readonly #entry: Bigram = { score: 0, left: 0, right: 0, units: 0 };
  #count = 0;

  constructor(text: string, options: { scoreOf: ScoreOf; unitsMax: number }) {
    this.#text = text;
    this.#scoreOf = options.scoreOf;
    this.#unitsMax = options.unitsMax;
    this.#starts = new Int32Array(text.length);
    this.#units = new Int32Array(text.length);
    for (let at = 0; at < text.length;) {
      const units = (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1;
      this.#starts[this.#count] = at;
      this.#units[this.#count] = units;
      this.#count++;
      at += units;
    }
    this.#previous = new Int32Array(this.#count);
    this.#next = new Int32Array(this.#count);
    for (let i = 0; i < this.#count; i++) {
      this.#previous[i] = i - 1;
      this.#next[i] = i + 1 < this.#count ? i + 1 : NONE;
    }
    this.#heap = new BigramHeap(this.#count);
  }

  run(): void {
    for (let i = 1; i < this.#count; i++) this.#propose(i - 1, i);
    const entry: Bigram = { score: 0, left: 0, right: 0, units: 0 };
    while (this.#heap.pop(entry)) {
      const { left, right, units } = entry;
      const leftUnits = this.#units[left] ?? 0;
      const rightUnits = this.#units[right] ?? 0;
      if (leftUnits === 0 || rightUnits === 0 || leftUnits + rightUnits !== units) continue;
      this.#units[left] = units;
      this.#units[right] = 0;
      const after = this.#next[right] ?? NONE;
      this.#next[left] = after;
      if (after !== NONE) this.#previous[after] = left;
      this.#propose(this.#previous[left] ?? NONE, left);
      this.#propose(left, after);
    }
  }

  pieces(): string[] {
    const pieces: string[] = [];
    for (let i = this.#count > 0 ? 0 : NONE; i !== NONE; i = this.#next[i] ?? NONE) {
      const start = this.#starts[i] ?? 0;
      pieces.push(this.#text.slice(start, start + (this.#units[i] ?? 0)));
    }
    return pieces;
  }

  #propose(left: number, right: number): void {
    if (left === NONE || right === NONE) return;
    const units = (this.#units[left] ?? 0) + (this.#units[right] ?? 0);
    if (units > this.#unitsMax) return;
    const start = this.#starts[left] ?? 0;
    const score = this.#scoreOf(this.#text.slice(start, start + units));
    if (score === undefined) return;
    this.#entry.score = score;
    this.#entry.left = left;
    this.#entry.right = right;
    this.#entry.units = units;
    this.#heap.push(this.#entry);
  }
}
