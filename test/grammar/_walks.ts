/**
 * Random ways through a grammar, as a model without any sense would go them.
 */
import { vocabularyTree } from "../../src/grammar/mod.ts";
import type { CompiledGrammar, VocabularyTree } from "../../src/grammar/mod.ts";

/** Tokens 0 to 255 are bytes, then come pieces that cut anywhere, a control token and the end. */
const pieces = [
  ...'ab cd :{[,"true null 12 \\ é 日本 😀 -0.'.split(" "),
  '":',
  '","',
  '{"',
  "}]",
  "},",
  "<t>{",
  "id",
  '"name":',
  "\xe6",
  "green",
  " re",
  "00",
  '":[{"',
];

const encoder = new TextEncoder();

const bytesOf = [
  ...Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte)),
  ...pieces.map((piece) => encoder.encode(piece)),
  new Uint8Array(0),
  new Uint8Array(0),
];

/** The control token; it has no bytes. */
export const controlToken = bytesOf.length - 2;

/** The token that ends a text. */
export const endToken = bytesOf.length - 1;

/** The vocabulary, with ten logits more than it has tokens. */
export const vocabulary: VocabularyTree = vocabularyTree({
  size: bytesOf.length + 10,
  tokenBytes: (id) => bytesOf[id] ?? new Uint8Array(0),
  endTokens: [endToken],
});

/** The ids of a mask. */
export function allowedTokens(mask: Uint32Array): number[] {
  const ids: number[] = [];
  for (let id = 0; id < mask.length * 32; id++) {
    if ((((mask[id >> 5] ?? 0) >>> (id & 31)) & 1) === 1) ids.push(id);
  }
  return ids;
}

/** The bytes of tokens, as text. */
export function textOfTokens(tokens: readonly number[]): string {
  const bytes = tokens.flatMap((token) => [...(bytesOf[token] ?? [])]);
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
}

/** The end token's text, or undefined when it did not come in time. */
export function walk(
  grammar: CompiledGrammar,
  { random, tokensMax }: { readonly random: () => number; readonly tokensMax: number },
): string | undefined {
  const matcher = grammar.matcher();
  const tokens: number[] = [];
  while (tokens.length < tokensMax) {
    const allowed = allowedTokens(matcher.mask());
    const token = allowed[Math.floor(random() * allowed.length)] ?? endToken;
    matcher.accept(token);
    if (matcher.ended) return textOfTokens(tokens);
    tokens.push(token);
  }
  return undefined;
}
