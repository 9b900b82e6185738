/**
 * The spelling of `tokenizer.ggml.model` = "gpt2": byte-level byte-pair encoding.
 *
 * A text is cut into pieces by the pre-tokeniser that the file names; the bytes of a piece, in GPT-2's
 * alphabet, are merged by rank. Follows llama.cpp's src/llama-vocab.cpp, but for vocabularies that
 * lack a byte: where llama.cpp leaves the byte out, the unknown token stands for it if there is one.
 */
import { bytesOfSpelling, CODE_OF_BYTE, spellingOfBytes } from "./_byte_alphabet.ts";
import type { Merges } from "./_merges.ts";
import { mergeSymbols } from "./_pair_merge.ts";
import { PairTable } from "./_pair_table.ts";
import { PieceCache } from "./_piece_cache.ts";
import { preTokenize } from "./pre/pre_tokenizer.ts";
import type { PreTokenizer } from "./pre/pre_tokenizer.ts";
import { utf8 } from "./spelling.ts";
import type { Spelling } from "./spelling.ts";
import { isReserved } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** Byte-level byte-pair encoding over one vocabulary. */
export class BpeSpelling implements Spelling {
  readonly #pre: PreTokenizer;
  readonly #symbols: SymbolTable;
  readonly #merges: Merges;
  readonly #cache = new PieceCache();

  /** @param merges `tokenizer.ggml.merges`: two spellings with a space between, best first */
  constructor(
    vocabulary: Vocabulary,
    options: { pre: PreTokenizer; merges: readonly string[] },
  ) {
    this.#pre = options.pre;
    this.#symbols = new SymbolTable(vocabulary);
    this.#merges = new RankedMerges(options.merges, this.#symbols);
  }

  encode(text: string, options: { readonly ids: number[] }): void {
    const { ids } = options;
    for (const piece of preTokenize(text, this.#pre.stages)) {
      let tokens = this.#cache.get(piece);
      if (tokens === undefined) {
        tokens = this.#tokensOf(piece);
        this.#cache.set(piece, tokens);
      }
      // A spread of a long piece would not fit on the stack.
      for (const token of tokens) ids.push(token);
    }
  }

  bytesOf(text: string): Uint8Array {
    return bytesOfSpelling(text) ?? utf8(text);
  }

  #tokensOf(piece: string): readonly number[] {
    const bytes = utf8(piece);
    if (
      this.#pre.ignoresMerges === true && bytes.length <= this.#symbols.unitsMax
    ) {
      const id = this.#symbols.tokenOf(spellingOfBytes(bytes));
      if (id !== undefined) return [id];
    }
    const symbols = new Int32Array(bytes.length);
    for (let i = 0; i < bytes.length; i++) symbols[i] = this.#symbols.ofByte[bytes[i] ?? 0] ?? 0;
    const count = mergeSymbols(symbols, this.#merges);
    const ids: number[] = [];
    for (let i = 0; i < count; i++) this.#symbols.spell(symbols[i] ?? 0, ids);
    return ids;
  }
}

/**
 * Numbers for everything that merging can make: tokens by their ids, then the bytes and halves that
 * are no tokens.
 */
class SymbolTable {
  /** Length of the longest token, in characters of the alphabet. */
  readonly unitsMax: number;
  /** Byte to symbol. */
  readonly ofByte: Int32Array;
  readonly #vocabulary: Vocabulary;
  readonly #numbers = new Map<string, number>();
  /** Texts of the symbols that are no tokens. */
  readonly #extra: string[] = [];

  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    let unitsMax = 0;
    vocabulary.texts.forEach((text, id) => {
      if (isReserved(vocabulary.types[id])) return;
      this.#numbers.set(text, id);
      unitsMax = Math.max(unitsMax, text.length);
    });
    this.unitsMax = unitsMax;
    this.ofByte = Int32Array.from(
      CODE_OF_BYTE,
      (code) => this.of(String.fromCharCode(code)),
    );
  }

  /** The symbol of a text, new if need be. */
  of(text: string): number {
    let symbol = this.#numbers.get(text);
    if (symbol === undefined) {
      symbol = this.#vocabulary.texts.length + this.#extra.length;
      this.#extra.push(text);
      this.#numbers.set(text, symbol);
    }
    return symbol;
  }

  /** The token of a text. */
  tokenOf(text: string): number | undefined {
    const symbol = this.#numbers.get(text);
    return symbol === undefined || symbol >= this.#vocabulary.texts.length ? undefined : symbol;
  }

  /** Appends the tokens of a symbol: itself, else those of its bytes, else the unknown token. */
  spell(symbol: number, ids: number[]): void {
    const { texts, unknownId } = this.#vocabulary;
    if (symbol < texts.length) {
      ids.push(symbol);
      return;
    }
    for (const character of this.#extra[symbol - texts.length] ?? "") {
      const id = this.tokenOf(character) ?? unknownId;
      if (id !== undefined) ids.push(id);
    }
  }
}

/** Merging by the order of the file's merges. */
class RankedMerges implements Merges {
  readonly #ranks = new PairTable();
  /** Rank to the symbol that the pair becomes. */
  readonly #joined: Int32Array;

  constructor(lines: readonly string[], symbols: SymbolTable) {
    this.#joined = new Int32Array(lines.length);
    lines.forEach((line, rank) => {
      const space = line.indexOf(" ", 1);
      if (space < 0) return;
      const left = line.slice(0, space);
      const right = line.slice(space + 1);
      this.#ranks.add({ left: symbols.of(left), right: symbols.of(right), value: rank });
      this.#joined[rank] = symbols.of(left + right);
    });
  }

  rank(left: number, right: number): number {
    return this.#ranks.get(left, right);
  }

  joined(left: number, right: number): number {
    return this.#joined[this.#ranks.get(left, right)] ?? 0;
  }
}
