/**
 * The spelling of `tokenizer.ggml.model` = "bert": WordPiece.
 *
 * A text is cut into words, and a word into the longest tokens from its left; a word that can't be
 * spelled is one unknown token. In GGUF's vocabularies the tokens that begin a word start with U+2581,
 * where BERT's own files mark the others by "##". Follows llama.cpp's src/llama-vocab.cpp, also where
 * that differs from BERT: of a decomposed character only the first code point stays, so that accents
 * fall and a Hangul syllable becomes its first jamo.
 */
import { ByteTrie, NOTHING, ROOT } from "./_byte_trie.ts";
import { CONTROL, MARK, PUNCTUATION, SPACE, SYMBOL } from "./pre/code_points.ts";
import { codePointsOf } from "./pre/code_points.ts";
import { within } from "./pre/stage.ts";
import { SPACE_MARK, utf8 } from "./spelling.ts";
import type { Spelling } from "./spelling.ts";
import { isReserved } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** How words are normalised. */
export interface WordPieceOptions {
  /** `tokenizer.ggml.normalizer.lowercase`. */
  readonly lowerCase: boolean;
  /** `tokenizer.ggml.normalizer.strip_accents`. */
  readonly stripAccents: boolean;
}

const REPLACEMENT = 0xfffd;
const ASCII_SYMBOL_MAX = 0x7e;
/** Capital I with dot above: the one code point whose lower case is two in Unicode's full mapping. */
const DOTTED_I = 0x130;
/** The blocks of CJK ideographs that are words by themselves, as in BERT's own list. */
const isIdeograph = within(
  "3400-4dbf 4e00-9fff f900-faff 20000-2a6df 2a700-2b73f 2b740-2b81f 2b920-2ceaf 2f800-2fa1f",
);

/** WordPiece over one vocabulary. */
export class WpmSpelling implements Spelling {
  readonly #trie = new ByteTrie();
  readonly #unknownId: number | undefined;
  readonly #options: WordPieceOptions;
  /** Code point to its classes and what is written for it, as far as they were asked for. */
  readonly #folded = new Map<number, Folded>();

  /** @param vocabulary checked by `readVocabulary` */
  constructor(vocabulary: Vocabulary, options: WordPieceOptions) {
    this.#options = options;
    this.#unknownId = vocabulary.unknownId;
    vocabulary.texts.forEach((text, id) => {
      if (!isReserved(vocabulary.types[id])) this.#trie.add(utf8(text), id);
    });
  }

  encode(text: string, options: { readonly ids: number[] }): void {
    let word = "";
    const finish = (): void => {
      if (word !== "") this.#encodeWord(word, options.ids);
      word = "";
    };
    const { points, classes } = codePointsOf(text);
    for (let i = 0; i < points.length; i++) {
      const { role, written } = this.#fold(points[i] ?? 0, classes[i] ?? 0);
      if (role === "letter") {
        word += written;
        continue;
      }
      if (role === "dropped") continue;
      finish();
      if (role === "word") this.#encodeWord(written, options.ids);
    }
    finish();
  }

  bytesOf(text: string): Uint8Array {
    return utf8(text.replaceAll(SPACE_MARK, " "));
  }

  /** Takes the longest token again and again; all or nothing. */
  #encodeWord(word: string, ids: number[]): void {
    const bytes = utf8(SPACE_MARK + word);
    const before = ids.length;
    for (let at = 0; at < bytes.length;) {
      let end = at;
      let found = NOTHING;
      let node = ROOT;
      for (let i = at; i < bytes.length; i++) {
        node = this.#trie.child(node, bytes[i] ?? 0);
        if (node === NOTHING) break;
        if (this.#trie.id(node) === NOTHING) continue;
        found = this.#trie.id(node);
        end = i + 1;
      }
      if (found === NOTHING) {
        ids.length = before;
        if (this.#unknownId !== undefined) ids.push(this.#unknownId);
        return;
      }
      ids.push(found);
      at = end;
    }
  }

  #fold(point: number, classes: number): Folded {
    let folded = this.#folded.get(point);
    if (folded === undefined) {
      folded = fold(point, { ...this.#options, classes });
      this.#folded.set(point, folded);
    }
    return folded;
  }
}

/** What a code point is to the words around it, and how it is written. */
interface Folded {
  readonly role: "space" | "dropped" | "word" | "letter";
  readonly written: string;
}

function fold(
  original: number,
  options: WordPieceOptions & { classes: number },
): Folded {
  // What Unicode 15.1 does not know must not depend on what the engine knows.
  const known = options.classes !== 0;
  const point = options.stripAccents && known ? firstOfNfd(original) : original;
  const classes = point === original ? options.classes : classesOf(point);
  const written = String.fromCodePoint(
    options.lowerCase && known ? lower(point) : point,
  );
  if ((classes & SPACE) !== 0) return { role: "space", written };
  const dropped = point === 0 || point === REPLACEMENT ||
    (classes & CONTROL) !== 0 ||
    (options.stripAccents && (classes & MARK) !== 0);
  if (dropped) return { role: "dropped", written };
  const alone = (classes & PUNCTUATION) !== 0 || isIdeograph(classes, point) ||
    (point <= ASCII_SYMBOL_MAX && (classes & SYMBOL) !== 0);
  return { role: alone ? "word" : "letter", written };
}

function classesOf(point: number): number {
  return codePointsOf(String.fromCodePoint(point)).classes[0] ?? 0;
}

function firstOfNfd(point: number): number {
  return String.fromCodePoint(point).normalize("NFD").codePointAt(0) ?? point;
}

/** Unicode's simple mapping to lower case. */
function lower(point: number): number {
  if (point === DOTTED_I) return 0x69;
  return String.fromCodePoint(point).toLowerCase().codePointAt(0) ?? point;
}
