/**
 * A vocabulary as a tree of bytes: tokens that begin alike are looked at once.
 */
import { tokenBytesMax } from "./limits.ts";

/** What a tree is made of. */
export interface VocabularyOptions {
  /** Logits of the model; ids from the tokenizer's own size on have no bytes. */
  readonly size: number;
  /**
   * The bytes that a token adds to a text; none for control tokens. Those are never allowed, nor are
   * tokens of more than `tokenBytesMax` bytes.
   */
  readonly tokenBytes: (id: number) => Uint8Array;
  /** Tokens that end a text. */
  readonly endTokens: readonly number[];
}

/** Nodes in the order of a walk, each before those below it. */
export interface VocabularyTree {
  /** Bits of a mask are for so many tokens. */
  readonly size: number;
  readonly endTokens: readonly number[];
  readonly tokenBytes: (id: number) => Uint8Array;
  /** The byte that leads to each node. */
  readonly bytes: Uint8Array;
  /** How many bytes lead to each node, from 1. */
  readonly depths: Uint16Array;
  /** The first node that is not below each node. */
  readonly ends: Uint32Array;
  /** Where each node's own tokens begin and end in `tokens`. */
  readonly tokensFrom: Uint32Array;
  readonly tokensTo: Uint32Array;
  readonly tokens: Uint32Array;
  /** Bytes of the longest token. */
  readonly depthMax: number;
}

/** Tokens that are read, or nodes that are made, between two places to pause. */
const tokensOfSlice = 1024;

/** Makes the tree at once; it takes a good part of a second for 150,000 tokens. */
export function vocabularyTree(options: VocabularyOptions): VocabularyTree {
  const slices = vocabularySlices(options);
  for (;;) {
    const { done, value } = slices.next();
    if (done === true) return value;
  }
}

/**
 * Makes the tree in slices of some milliseconds at most, so that others get their turn in between.
 *
 * @returns the tree, after any number of slices
 */
export function* vocabularySlices(
  options: VocabularyOptions,
): Generator<undefined, VocabularyTree, undefined> {
  const idsOf = yield* readTokens(options);
  const builder = new TreeBuilder(idsOf);
  let added = 0;
  for (const keys of yield* sharedBeginnings(idsOf.keys())) {
    for (const key of keys.sort()) {
      builder.add(key);
      if (++added % tokensOfSlice === 0) yield;
    }
    // Sorting them took its time too.
    if (keys.length > tokensOfSlice / 4) yield;
  }
  return { ...options, ...builder.finish() };
}

/** Tokens by their bytes, each a letter of the key. */
function* readTokens(
  { endTokens, size, tokenBytes }: VocabularyOptions,
): Generator<undefined, Map<string, number[]>, undefined> {
  const ends = new Set(endTokens);
  const idsOf = new Map<string, number[]>();
  for (let id = 0; id < size; id++) {
    if (id % tokensOfSlice === tokensOfSlice - 1) yield;
    if (ends.has(id)) continue;
    const bytes = tokenBytes(id);
    if (bytes.length === 0 || bytes.length > tokenBytesMax) continue;
    const key = String.fromCharCode(...bytes);
    const ids = idsOf.get(key);
    if (ids === undefined) idsOf.set(key, [id]);
    else ids.push(id);
  }
  return idsOf;
}

/** Keys by their first two letters, in the order of these: sorted each for itself, all are sorted. */
function* sharedBeginnings(
  keys: Iterable<string>,
): Generator<undefined, string[][], undefined> {
  const found = new Map<string, string[]>();
  let read = 0;
  for (const key of keys) {
    const beginning = key.slice(0, 2);
    const group = found.get(beginning);
    if (group === undefined) found.set(beginning, [key]);
    else group.push(key);
    if (++read % (4 * tokensOfSlice) === 0) yield;
  }
  return [...found].sort(([a], [b]) => a < b ? -1 : 1).map(([, group]) => group);
}

type Nodes = Omit<VocabularyTree, keyof VocabularyOptions>;

/** The tree of the keys so far; they are added in their order, which is that of their bytes. */
class TreeBuilder {
  readonly #idsOf: ReadonlyMap<string, readonly number[]>;
  readonly #bytes: number[] = [];
  readonly #depths: number[] = [];
  readonly #ends: number[] = [];
  readonly #tokensFrom: number[] = [];
  readonly #tokensTo: number[] = [];
  readonly #tokens: number[] = [];
  /** Nodes on the way to the last one. */
  readonly #open: number[] = [];
  #before = "";
  #depthMax = 0;

  constructor(idsOf: ReadonlyMap<string, readonly number[]>) {
    this.#idsOf = idsOf;
  }

  add(key: string): void {
    let shared = 0;
    const sharedMax = Math.min(key.length, this.#before.length);
    while (shared < sharedMax && key.charCodeAt(shared) === this.#before.charCodeAt(shared)) {
      shared++;
    }
    this.#close(shared);
    for (let i = shared; i < key.length; i++) {
      this.#open.push(this.#bytes.length);
      this.#bytes.push(key.charCodeAt(i));
      this.#depths.push(i + 1);
      this.#ends.push(0);
      this.#tokensFrom.push(this.#tokens.length);
      this.#tokensTo.push(this.#tokens.length);
    }
    for (const id of this.#idsOf.get(key) ?? []) this.#tokens.push(id);
    this.#tokensTo[this.#open.at(-1) ?? 0] = this.#tokens.length;
    this.#depthMax = Math.max(this.#depthMax, key.length);
    this.#before = key;
  }

  finish(): Nodes {
    this.#close(0);
    return {
      bytes: new Uint8Array(this.#bytes),
      depths: new Uint16Array(this.#depths),
      ends: new Uint32Array(this.#ends),
      tokensFrom: new Uint32Array(this.#tokensFrom),
      tokensTo: new Uint32Array(this.#tokensTo),
      tokens: new Uint32Array(this.#tokens),
      depthMax: this.#depthMax,
    };
  }

  /** Ends the nodes that are more than `depth` deep. */
  #close(depth: number): void {
    while (this.#open.length > depth) this.#ends[this.#open.pop() ?? 0] = this.#bytes.length;
  }
}
