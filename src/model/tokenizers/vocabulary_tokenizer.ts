/**
 * The tokenizer of any kind of vocabulary: special tokens around a spelling.
 */
import { ENCODE_UNITS_MAX } from "../limits.ts";
import type { DecodeOptions, EncodeOptions, SpecialToken, Tokenizer } from "../tokenizer.ts";
import { SpecialTokenFinder } from "./_special_tokens.ts";
import { namedByte, utf8 } from "./spelling.ts";
import type { Spelling } from "./spelling.ts";
import {
  TOKEN_BYTE,
  TOKEN_CONTROL,
  TOKEN_NORMAL,
  TOKEN_UNKNOWN,
  TOKEN_USER_DEFINED,
} from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

const SPACE_BYTE = 0x20;
const NO_BYTES = new Uint8Array(0);

/** A vocabulary with its spelling. */
export class VocabularyTokenizer implements Tokenizer {
  readonly kind: Tokenizer["kind"];
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly eotId: number | undefined;
  readonly unknownId: number | undefined;
  readonly addBos: boolean;
  readonly addEos: boolean;
  readonly addSpacePrefix: boolean;
  readonly specialTokens: readonly SpecialToken[];
  readonly #vocabulary: Vocabulary;
  readonly #spelling: Spelling;
  readonly #allSpecials: SpecialTokenFinder;
  readonly #userDefined: SpecialTokenFinder;

  /** @param vocabulary checked by `readVocabulary` */
  constructor(
    vocabulary: Vocabulary,
    options: { kind: Tokenizer["kind"]; spelling: Spelling },
  ) {
    this.kind = options.kind;
    this.#vocabulary = vocabulary;
    this.#spelling = options.spelling;
    this.vocabularySize = vocabulary.texts.length;
    this.bosId = vocabulary.bosId;
    this.eosId = vocabulary.eosId;
    this.eotId = vocabulary.eotId;
    this.unknownId = vocabulary.unknownId;
    this.addBos = vocabulary.addBos;
    this.addEos = vocabulary.addEos;
    this.addSpacePrefix = vocabulary.addSpacePrefix;
    this.specialTokens = specialsOf(vocabulary);
    this.#allSpecials = new SpecialTokenFinder(this.specialTokens, vocabulary);
    this.#userDefined = new SpecialTokenFinder(
      this.specialTokens.filter(({ kind }) => kind === "user-defined"),
      vocabulary,
    );
  }

  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    if (text.length > ENCODE_UNITS_MAX) {
      throw new RangeError(
        `Cannot tokenise a text as it must be at most ${ENCODE_UNITS_MAX} UTF-16 units: current length is ${text.length}`,
      );
    }
    const ids: number[] = [];
    if ((options.addBos ?? this.addBos) && this.bosId !== undefined) ids.push(this.bosId);
    const finder = options.parseSpecial === true ? this.#allSpecials : this.#userDefined;
    let leads = true;
    for (const fragment of finder.split(text.toWellFormed())) {
      if ("id" in fragment) ids.push(fragment.id);
      else this.#spelling.encode(fragment.text, { ids, leads });
      leads = "id" in fragment;
    }
    if (options.addEos === true && this.eosId !== undefined) ids.push(this.eosId);
    return Uint32Array.from(ids);
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
    let text = "";
    let strip = this.addSpacePrefix && options.keepLeadingSpace !== true;
    for (const id of ids) {
      const piece = this.piece(id);
      if (piece.length === 0) continue;
      const from = strip && piece[0] === SPACE_BYTE ? 1 : 0;
      text += decoder.decode(piece.subarray(from), { stream: true });
      strip = false;
    }
    return text + decoder.decode();
  }

  piece(id: number): Uint8Array {
    const text = this.tokenText(id);
    switch (this.#vocabulary.types[id]) {
      case TOKEN_NORMAL:
        return this.#spelling.bytesOf(text);
      case TOKEN_USER_DEFINED:
        return utf8(text);
      case TOKEN_BYTE: {
        const byte = namedByte(text);
        return byte === undefined ? NO_BYTES : Uint8Array.of(byte);
      }
      default:
        return NO_BYTES;
    }
  }

  tokenText(id: number): string {
    const text = this.#vocabulary.texts[id];
    if (text === undefined) {
      throw new RangeError(
        `Cannot decode a token as its id must be 0 to ${
          this.vocabularySize - 1
        }: current id is ${id}`,
      );
    }
    return text;
  }

  isEndOfGeneration(id: number): boolean {
    return this.#vocabulary.endIds.has(id);
  }
}

const KINDS: ReadonlyMap<number, SpecialToken["kind"]> = new Map([
  [TOKEN_CONTROL, "control"],
  [TOKEN_UNKNOWN, "unknown"],
  [TOKEN_USER_DEFINED, "user-defined"],
]);

function specialsOf(vocabulary: Vocabulary): SpecialToken[] {
  const specials: SpecialToken[] = [];
  vocabulary.texts.forEach((text, id) => {
    const kind = KINDS.get(vocabulary.types[id] ?? TOKEN_NORMAL);
    if (kind !== undefined) specials.push({ id, text, kind });
  });
  return specials;
}
