/**
 * Cutting a text at special tokens: longer ones first, as llama.cpp does, in time bounded by the
 * text's length times the number of different lengths.
 */

/** A part of a text: plain text, or a special token. */
export type Fragment = { readonly text: string } | { readonly id: number };

/** Tokens that take the white space on a side of them away. */
export interface Strips {
  readonly stripsLeft: ReadonlySet<number>;
  readonly stripsRight: ReadonlySet<number>;
}

interface Match {
  readonly position: number;
  readonly length: number;
  readonly id: number;
}

/** A node of the tree of texts, by UTF-16 unit. */
interface Node {
  readonly next: Map<number, Node>;
  id: number | undefined;
}

/** What a unit of the text was taken for. */
const FREE = 0;
const TAKEN = 1;
const STRIPPED = 2;

/** Looks for a set of texts. */
export class SpecialTokenFinder {
  readonly #root: Node = { next: new Map(), id: undefined };
  readonly #strips: Strips;
  readonly #ids = new Map<string, number>();
  /** Different lengths, longest first, in UTF-16 units. */
  readonly #lengths: readonly number[];

  /** @param tokens texts and ids; of equal texts the last counts, empty ones never match */
  constructor(
    tokens: Iterable<{ readonly text: string; readonly id: number }>,
    strips: Strips = { stripsLeft: new Set(), stripsRight: new Set() },
  ) {
    this.#strips = strips;
    const lengths = new Set<number>();
    for (const { text, id } of tokens) {
      if (text === "") continue;
      this.#ids.set(text, id);
      this.#add(text, id);
      lengths.add(text.length);
    }
    this.#lengths = [...lengths].sort((a, b) => b - a);
  }

  /** Cuts `text`; plain parts are never empty. */
  split(text: string): Fragment[] {
    const { matches, taken } = this.#find(text);
    const fragments: Fragment[] = [];
    const addText = (start: number, end: number): void => {
      let from = start;
      let to = end;
      while (from < to && taken?.[from] === STRIPPED) from++;
      while (from < to && taken?.[to - 1] === STRIPPED) to--;
      if (from < to) fragments.push({ text: text.slice(from, to) });
    };
    let start = 0;
    for (const { position, length, id } of matches) {
      addText(start, position);
      fragments.push({ id });
      start = position + length;
    }
    addText(start, text.length);
    return fragments;
  }

  #add(text: string, id: number): void {
    let node = this.#root;
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i);
      let next = node.next.get(unit);
      if (next === undefined) {
        next = { next: new Map(), id: undefined };
        node.next.set(unit, next);
      }
      node = next;
    }
    node.id = id;
  }

  #find(text: string): { matches: Match[]; taken: Uint8Array | undefined } {
    const { positions, longest } = this.#candidates(text);
    const matches: Match[] = [];
    if (positions.length === 0) return { matches, taken: undefined };
    // A taken match is never shorter than the one being placed, so an overlap covers an end of it.
    const taken = new Uint8Array(text.length);
    for (const length of this.#lengths) {
      positions.forEach((position, i) => {
        const end = position + length;
        if ((longest[i] ?? 0) < length) return;
        if (taken[position] !== FREE || taken[end - 1] !== FREE) return;
        const id = this.#ids.get(text.slice(position, end));
        if (id === undefined) return;
        taken.fill(TAKEN, position, end);
        matches.push({ position, length, id });
        this.#strip({ id, position, end, text, taken });
      });
    }
    return { matches: matches.sort((a, b) => a.position - b.position), taken };
  }

  /** Takes the white space beside a match that is still free. */
  #strip(
    match: { id: number; position: number; end: number; text: string; taken: Uint8Array },
  ): void {
    const { id, position, end, text, taken } = match;
    const strips = (at: number): boolean => taken[at] === FREE && isSpace(text.charCodeAt(at));
    if (this.#strips.stripsLeft.has(id)) {
      for (let at = position - 1; strips(at); at--) taken[at] = STRIPPED;
    }
    if (this.#strips.stripsRight.has(id)) {
      for (let at = end; strips(at); at++) taken[at] = STRIPPED;
    }
  }

  /** Positions at which a token starts, each with the length of the longest. */
  #candidates(text: string): { positions: number[]; longest: number[] } {
    const positions: number[] = [];
    const longest: number[] = [];
    for (let i = 0; i < text.length; i++) {
      let node = this.#root.next.get(text.charCodeAt(i));
      let length = 0;
      for (let at = i + 1; node !== undefined; at++) {
        if (node.id !== undefined) length = at - i;
        node = node.next.get(text.charCodeAt(at));
      }
      if (length === 0) continue;
      positions.push(i);
      longest.push(length);
    }
    return { positions, longest };
  }
}

/** C's `isspace`. */
function isSpace(unit: number): boolean {
  return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
}
