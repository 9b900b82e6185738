/**
 * The tokenizer of `tokenizer.ggml.model` = "llama": SentencePiece's byte-pair encoding by score.
 *
 * Follows llama.cpp's behaviour for such files (src/llama-vocab.cpp): user-defined tokens are cut
 * out first; a space goes before a text and after each special token when the vocabulary asks for
 * it; spaces become U+2581; what no token spells is written as byte tokens. Vocabularies without
 * byte tokens, on which llama.cpp gives up, get one unknown token for each such character.
 */
import { mergePieces } from "./_merge.ts";
import { ENCODE_UNITS_MAX } from "../limits.ts";
import { SpecialTokenFinder } from "./_special_tokens.ts";
import type { DecodeOptions, EncodeOptions, SpecialToken, Tokenizer } from "../tokenizer.ts";
import {
  isSpecial,
  TOKEN_BYTE,
  TOKEN_CONTROL,
  TOKEN_NORMAL,
  TOKEN_UNKNOWN,
  TOKEN_USER_DEFINED,
  type Vocabulary,
} from "./vocabulary.ts";

/** U+2581, which stands for a space inside the vocabulary. */
const SPACE_MARK = "\u2581";
const SPACE_BYTE = 0x20;
const NO_BYTES = new Uint8Array(0);
const BYTE_TOKEN = /^<0x([0-9A-F]{2})>$/;

/** SentencePiece byte-pair encoding over one vocabulary. */
export class SpmTokenizer implements Tokenizer {
  readonly kind = "llama";
  readonly vocabularySize: number;
  readonly bosId: number | undefined;
  readonly eosId: number | undefined;
  readonly eotId: number | undefined;
  readonly unknownId: number | undefined;
  readonly addBos: boolean;
  readonly addSpacePrefix: boolean;
  readonly specialTokens: readonly SpecialToken[];
  readonly #vocabulary: Vocabulary;
  /** Text to id; of equal texts the last counts. */
  readonly #ids = new Map<string, number>();
  /** Byte to id of its token, or -1. */
  readonly #byteIds = new Int32Array(256).fill(-1);
  readonly #unitsMax: number;
  readonly #allSpecials: SpecialTokenFinder;
  readonly #userDefined: SpecialTokenFinder;
  readonly #encoder = new TextEncoder();

  /** @param vocabulary checked by `readVocabulary` */
  constructor(vocabulary: Vocabulary) {
    this.#vocabulary = vocabulary;
    this.vocabularySize = vocabulary.texts.length;
    this.bosId = vocabulary.bosId;
    this.eosId = vocabulary.eosId;
    this.eotId = vocabulary.eotId;
    this.unknownId = vocabulary.unknownId;
    this.addBos = vocabulary.addBos;
    this.addSpacePrefix = vocabulary.addSpacePrefix;
    let unitsMax = 0;
    vocabulary.texts.forEach((text, id) => {
      this.#ids.set(text, id);
      unitsMax = Math.max(unitsMax, text.length);
      const byte = BYTE_TOKEN.exec(text)?.[1];
      if (byte !== undefined) this.#byteIds[Number.parseInt(byte, 16)] = id;
    });
    this.#unitsMax = unitsMax;
    this.specialTokens = specialsOf(vocabulary);
    this.#allSpecials = new SpecialTokenFinder(this.specialTokens);
    this.#userDefined = new SpecialTokenFinder(
      this.specialTokens.filter(({ kind }) => kind === "user-defined"),
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
    let afterSpecial = true;
    for (const fragment of finder.split(text.toWellFormed())) {
      if ("id" in fragment) {
        ids.push(fragment.id);
        afterSpecial = true;
        continue;
      }
      const prefix = this.addSpacePrefix && afterSpecial ? SPACE_MARK : "";
      this.#encodePlain(prefix + fragment.text.replaceAll(" ", SPACE_MARK), ids);
      afterSpecial = false;
    }
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
        return this.#encoder.encode(text.replaceAll(SPACE_MARK, " "));
      case TOKEN_USER_DEFINED:
        return this.#encoder.encode(text);
      case TOKEN_BYTE: {
        const byte = BYTE_TOKEN.exec(text)?.[1];
        return byte === undefined ? NO_BYTES : Uint8Array.of(Number.parseInt(byte, 16));
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

  /** Encodes text in which spaces are marks already, appending to `ids`. */
  #encodePlain(text: string, ids: number[]): void {
    const { scores } = this.#vocabulary;
    const scoreOf = (piece: string): number | undefined => {
      const id = this.#ids.get(piece);
      return id === undefined ? undefined : scores[id];
    };
    for (const piece of mergePieces(text, { scoreOf, unitsMax: this.#unitsMax })) {
      const id = this.#ids.get(piece);
      if (id === undefined) this.#encodeBytes(piece, ids);
      else ids.push(id);
    }
  }

  /** Spells a character that is no token: byte tokens when all are there, else one unknown token. */
  #encodeBytes(character: string, ids: number[]): void {
    const bytes = this.#encoder.encode(character);
    if (bytes.some((byte) => this.#byteIds[byte] === -1)) {
      if (this.unknownId !== undefined) ids.push(this.unknownId);
      return;
    }
    for (const byte of bytes) ids.push(this.#byteIds[byte] ?? 0);
  }
}

function specialsOf(vocabulary: Vocabulary): SpecialToken[] {
  const kinds = new Map<number, SpecialToken["kind"]>([
    [TOKEN_CONTROL, "control"],
    [TOKEN_UNKNOWN, "unknown"],
    [TOKEN_USER_DEFINED, "user-defined"],
  ]);
  const specials: SpecialToken[] = [];
  vocabulary.texts.forEach((text, id) => {
    const type = vocabulary.types[id];
    const kind = type === undefined ? undefined : kinds.get(type);
    if (kind !== undefined && isSpecial(type)) specials.push({ id, text, kind });
  });
  return specials;
}
