/**
 * The spelling of `tokenizer.ggml.model` = "llama": SentencePiece's byte-pair encoding by score.
 *
 * Follows llama.cpp's behaviour for such files (src/llama-vocab.cpp): a space goes before a text and
 * after each special token when the vocabulary asks for it; spaces become U+2581; what no token
 * spells is written as byte tokens. Vocabularies without byte tokens, on which llama.cpp gives up, get
 * one unknown token for each such character.
 */
import { mergePieces } from "./_merge.ts";
import { ByteFallback, SPACE_MARK, type Spelling, utf8 } from "./spelling.ts";
import { isReserved, type Vocabulary } from "./vocabulary.ts";

/** SentencePiece byte-pair encoding over one vocabulary. */
export class SpmSpelling implements Spelling {
  /** Text to id; of equal texts the last counts. Reserved tokens are not spelled. */
  readonly #ids = new Map<string, number>();
  readonly #scores: Float32Array;
  readonly #addSpacePrefix: boolean;
  readonly #unitsMax: number;
  readonly #fallback: ByteFallback;

  /** @param vocabulary checked by `readVocabulary` */
  constructor(vocabulary: Vocabulary) {
    this.#scores = vocabulary.scores;
    this.#addSpacePrefix = vocabulary.addSpacePrefix;
    this.#fallback = new ByteFallback(vocabulary);
    let unitsMax = 0;
    vocabulary.texts.forEach((text, id) => {
      if (isReserved(vocabulary.types[id])) return;
      this.#ids.set(text, id);
      unitsMax = Math.max(unitsMax, text.length);
    });
    this.#unitsMax = unitsMax;
  }

  encode(
    text: string,
    options: { readonly ids: number[]; readonly leads: boolean },
  ): void {
    const { ids, leads } = options;
    const prefix = this.#addSpacePrefix && leads ? SPACE_MARK : "";
    const marked = prefix + text.replaceAll(" ", SPACE_MARK);
    const scoreOf = (piece: string): number | undefined => {
      const id = this.#ids.get(piece);
      return id === undefined ? undefined : this.#scores[id];
    };
    for (
      const piece of mergePieces(marked, { scoreOf, unitsMax: this.#unitsMax })
    ) {
      const id = this.#ids.get(piece);
      if (id === undefined) ids.push(...this.#fallback.tokensOf(utf8(piece)));
      else ids.push(id);
    }
  }

  bytesOf(text: string): Uint8Array {
    return utf8(text.replaceAll(SPACE_MARK, " "));
  }
}
