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

/** Makes the tree; it takes about a second for 150,000 tokens. */
export function vocabularyTree(options: VocabularyOptions): VocabularyTree {
  const ends = new Set(options.endTokens);
  const idsOf = new Map<string, number[]>();
  for (let id = 0; id < options.size; id++) {
    if (ends.has(id)) continue;
    const bytes = options.tokenBytes(id);
    if (bytes.length === 0 || bytes.length > tokenBytesMax) continue;
    const key = String.fromCharCode(...bytes);
    const ids = idsOf.get(key);
    if (ids === undefined) idsOf.set(key, [id]);
    else ids.push(id);
  }
  return { ...options, ...nodesOf(idsOf) };
}

type Nodes = Omit<VocabularyTree, keyof VocabularyOptions>;

/** @param idsOf tokens by their bytes, each a letter of the key */
function nodesOf(idsOf: ReadonlyMap<string, readonly number[]>): Nodes {
  const bytes: number[] = [];
  const depths: number[] = [];
  const ends: number[] = [];
  const tokensFrom: number[] = [];
  const tokensTo: number[] = [];
  const tokens: number[] = [];
  /** Nodes on the way to the last one. */
  const open: number[] = [];
  let before = "";
  let depthMax = 0;
  // The order of strings is that of their letters, which are bytes here.
  for (const key of [...idsOf.keys()].sort()) {
    let shared = 0;
    const sharedMax = Math.min(key.length, before.length);
    while (shared < sharedMax && key.charCodeAt(shared) === before.charCodeAt(shared)) shared++;
    while (open.length > shared) ends[open.pop() ?? 0] = bytes.length;
    for (let i = shared; i < key.length; i++) {
      open.push(bytes.length);
      bytes.push(key.charCodeAt(i));
      depths.push(i + 1);
      ends.push(0);
      tokensFrom.push(tokens.length);
      tokensTo.push(tokens.length);
    }
    for (const id of idsOf.get(key) ?? []) tokens.push(id);
    tokensTo[open.at(-1) ?? 0] = tokens.length;
    depthMax = Math.max(depthMax, key.length);
    before = key;
  }
  while (open.length > 0) ends[open.pop() ?? 0] = bytes.length;
  return {
    bytes: Uint8Array.from(bytes),
    depths: Uint16Array.from(depths),
    ends: Uint32Array.from(ends),
    tokensFrom: Uint32Array.from(tokensFrom),
    tokensTo: Uint32Array.from(tokensTo),
    tokens: Uint32Array.from(tokens),
    depthMax,
  };
}
