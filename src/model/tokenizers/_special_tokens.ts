/**
 * Cutting a text at special tokens: longer ones first, as llama.cpp does, in time bounded by the
 * text's length times the number of different lengths.
 */

/** A part of a text: plain text, or a special token. */
export type Fragment = { readonly text: string } | { readonly id: number };

/** Looks for a set of texts. */
export class SpecialTokenFinder {
  readonly #ids = new Map<string, number>();
  readonly #firstUnits = new Set<number>();
  /** Different lengths, longest first, in UTF-16 units. */
  readonly #lengths: readonly number[];

  /** @param tokens texts and ids; of equal texts the last counts, empty ones never match */
  constructor(tokens: Iterable<{ readonly text: string; readonly id: number }>) {
    const lengths = new Set<number>();
    for (const { text, id } of tokens) {
      if (text === "") continue;
      this.#ids.set(text, id);
      this.#firstUnits.add(text.charCodeAt(0));
      lengths.add(text.length);
    }
    this.#lengths = [...lengths].sort((a, b) => b - a);
  }

  /** Cuts `text`; plain parts are never empty. */
  split(text: string): Fragment[] {
    const matches = this.#find(text);
    const fragments: Fragment[] = [];
    let start = 0;
    for (const { position, length, id } of matches) {
      if (position > start) fragments.push({ text: text.slice(start, position) });
      fragments.push({ id });
      start = position + length;
    }
    if (start < text.length) fragments.push({ text: text.slice(start) });
    return fragments;
  }

  #find(text: string): { position: number; length: number; id: number }[] {
    const candidates = this.#candidates(text);
    const matches: { position: number; length: number; id: number }[] = [];
    if (candidates.length === 0) return matches;
    // A taken match is never shorter than the one being placed, so an overlap covers an end of it.
    const taken = new Uint8Array(text.length);
    for (const length of this.#lengths) {
      for (const position of candidates) {
        const end = position + length;
        if (end > text.length || taken[position] === 1 || taken[end - 1] === 1) continue;
        const id = this.#ids.get(text.slice(position, end));
        if (id === undefined) continue;
        taken.fill(1, position, end);
        matches.push({ position, length, id });
      }
    }
    return matches.sort((a, b) => a.position - b.position);
  }

  #candidates(text: string): number[] {
    const positions: number[] = [];
    if (this.#firstUnits.size === 0) return positions;
    for (let i = 0; i < text.length; i++) {
      if (this.#firstUnits.has(text.charCodeAt(i))) positions.push(i);
    }
    return positions;
  }
}
