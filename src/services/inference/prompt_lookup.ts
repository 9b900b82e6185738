/**
 * Guesses what comes next from what came before: where the last few tokens stood already, what
 * followed them then may follow again. It costs next to nothing, and pays where an answer quotes its
 * prompt.
 */

/** Lengths of the runs that are looked for, the longest first. */
const runLengths = [4, 3, 2];

/** Ids above it only make runs collide, which is noticed. */
const idsMax = 2 ** 18;

/** The tokens of one sequence, and where each run of them stood last. */
export class PromptLookup {
  readonly #tokens: number[] = [];
  /** By run length: where the token after a run stands. */
  readonly #after = runLengths.map(() => new Map<number, number>());

  /** Appends tokens. */
  push(tokens: Iterable<number>): void {
    for (const token of tokens) {
      // Runs that end before this token are followed by it.
      runLengths.forEach((length, i) => {
        if (this.#tokens.length < length) return;
        this.#after[i]?.set(this.#key(this.#tokens.length, length), this.#tokens.length);
      });
      this.#tokens.push(token);
    }
  }

  /** At most `count` tokens that may follow; none when the end is like nothing before. */
  draft(count: number): number[] {
    const end = this.#tokens.length;
    for (const [i, length] of runLengths.entries()) {
      if (end <= length) continue;
      const at = this.#after[i]?.get(this.#key(end, length));
      if (at === undefined || !this.#isSame(at, end, length)) continue;
      return this.#continued(at, count);
    }
    return [];
  }

  /** What follows from `at` on; beyond the end, what was drafted goes on. */
  #continued(at: number, count: number): number[] {
    const drafts: number[] = [];
    const end = this.#tokens.length;
    for (let i = at; drafts.length < count; i++) {
      drafts.push((i < end ? this.#tokens[i] : drafts[i - end]) ?? 0);
    }
    return drafts;
  }

  #isSame(at: number, end: number, length: number): boolean {
    for (let back = 1; back <= length; back++) {
      if (this.#tokens[at - back] !== this.#tokens[end - back]) return false;
    }
    return true;
  }

  /** A number for the `length` tokens before `end`. */
  #key(end: number, length: number): number {
    let key = 0;
    for (let i = end - length; i < end; i++) {
      key = (key * idsMax + (this.#tokens[i] ?? 0)) % Number.MAX_SAFE_INTEGER;
    }
    return key;
  }
}
