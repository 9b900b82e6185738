/**
 * The spelling of `tokenizer.ggml.model` = "t5": SentencePiece's unigram model.
 *
 * A text is normalised and then cut so that the sum of its tokens' scores is the greatest (Viterbi).
 * Follows llama.cpp's src/llama-vocab.cpp, with two differences. What cannot be spelled becomes byte
 * tokens in a vocabulary that has all of them, as SentencePiece does it. And a prefix of a user-defined
 * token is normalised like any text: llama.cpp leaves it as it is, even within a character.
 */
import { ByteTrie, NOTHING, ROOT } from "./_byte_trie.ts";
import type { Charsmap } from "./charsmap.ts";
import { ByteBuffer } from "./_byte_buffer.ts";
import { ByteFallback, SPACE_MARK, utf8 } from "./spelling.ts";
import type { Spelling } from "./spelling.ts";
import { TOKEN_NORMAL, TOKEN_UNUSED, TOKEN_USER_DEFINED } from "./vocabulary.ts";
import type { Vocabulary } from "./vocabulary.ts";

/** How texts are normalised. */
export interface UnigramOptions {
  readonly charsmap: Charsmap | undefined;
  /** `tokenizer.ggml.add_space_prefix`. */
  readonly addSpacePrefix: boolean;
  /** `tokenizer.ggml.remove_extra_whitespaces`: one space before each word, and no others. */
  readonly mergeSpaces: boolean;
}

const SPACE = 0x20;
const SPACE_BYTES = utf8(SPACE_MARK);
const REPLACEMENT_BYTES = utf8("\ufffd");
/** How much less than the worst token an unknown character scores. */
const UNKNOWN_PENALTY = 10;

/** The unigram model over one vocabulary. */
export class UgmSpelling implements Spelling {
  readonly #trie = new ByteTrie();
  /** Id to score; user-defined tokens score best. */
  readonly #scores: Float32Array;
  readonly #unknownScore: number;
  readonly #fallback: ByteFallback;
  readonly #mergesUnknown: boolean;
  readonly #options: UnigramOptions;

  /** @param vocabulary checked by `readVocabulary` */
  constructor(vocabulary: Vocabulary, options: UnigramOptions) {
    const { texts, types, scores } = vocabulary;
    this.#options = options;
    this.#scores = Float32Array.from(scores);
    let worst = Infinity;
    texts.forEach((text, id) => {
      const type = types[id];
      if (type === TOKEN_NORMAL) worst = Math.min(worst, scores[id] ?? 0);
      if (type === TOKEN_USER_DEFINED) this.#scores[id] = 0;
      if (
        type === TOKEN_NORMAL || type === TOKEN_USER_DEFINED ||
        type === TOKEN_UNUSED
      ) {
        this.#trie.add(utf8(text), id);
      }
    });
    this.#unknownScore = Math.fround(
      (worst === Infinity ? 0 : worst) - UNKNOWN_PENALTY,
    );
    this.#fallback = new ByteFallback(vocabulary);
    this.#mergesUnknown = !this.#fallback.isWhole;
  }

  encode(text: string, options: { readonly ids: number[] }): void {
    const bytes = this.#normalise(utf8(text));
    const { starts, tokens } = this.#bestPath(bytes);
    const ends: number[] = [];
    for (let end = bytes.length; end > 0; end = starts[end] ?? 0) {
      ends.push(end);
    }
    let unknown = false;
    for (let i = ends.length - 1; i >= 0; i--) {
      const end = ends[i] ?? 0;
      const token = tokens[end] ?? NOTHING;
      if (token !== NOTHING) options.ids.push(token);
      else if (!(unknown && this.#mergesUnknown)) {
        const character = bytes.subarray(starts[end] ?? 0, end);
        options.ids.push(...this.#fallback.tokensOf(character));
      }
      unknown = token === NOTHING;
    }
  }

  bytesOf(text: string): Uint8Array {
    return utf8(text.replaceAll(SPACE_MARK, " "));
  }

  #normalise(bytes: Uint8Array): Uint8Array {
    const { charsmap, addSpacePrefix, mergeSpaces } = this.#options;
    const out = new ByteBuffer(bytes.length + SPACE_BYTES.length);
    let prefixed = false;
    let inWord = false;
    const write = (byte: number): void => {
      if (byte === SPACE) {
        inWord = false;
        if (!mergeSpaces) out.append(SPACE_BYTES);
        return;
      }
      if (!inWord && ((addSpacePrefix && !prefixed) || mergeSpaces)) {
        out.append(SPACE_BYTES);
        prefixed = true;
      }
      inWord = true;
      out.push(byte);
    };
    for (let at = 0; at < bytes.length;) {
      const found = charsmap?.find(bytes, at);
      const length = lengthAt(bytes, at);
      const written = found?.bytes ??
        (length === 0 ? REPLACEMENT_BYTES : bytes.subarray(at, at + length));
      for (const byte of written) write(byte);
      at += found?.keyBytes ?? Math.max(1, length);
    }
    return out.take();
  }

  /** For each position, where its best token starts and which it is; `NOTHING` is unknown. */
  #bestPath(bytes: Uint8Array): { starts: Int32Array; tokens: Int32Array } {
    const trie = this.#trie;
    const size = bytes.length;
    const best = new Float64Array(size + 1).fill(-Infinity);
    const starts = new Int32Array(size + 1);
    const tokens = new Int32Array(size + 1).fill(NOTHING);
    best[0] = 0;
    for (let at = 0; at < size;) {
      const score = best[at] ?? 0;
      const next = Math.min(size, at + Math.max(1, lengthAt(bytes, at)));
      let isToken = false;
      let node = trie.child(ROOT, bytes[at] ?? 0);
      for (let end = at + 1; node !== NOTHING; end++) {
        const id = trie.id(node);
        if (id !== NOTHING) {
          if (end === next) isToken = true;
          const sum = score + (this.#scores[id] ?? 0);
          if (sum > (best[end] ?? 0)) {
            best[end] = sum;
            starts[end] = at;
            tokens[end] = id;
          }
        }
        if (end >= size) break;
        node = trie.child(node, bytes[end] ?? 0);
      }
      if (!isToken && score + this.#unknownScore > (best[next] ?? 0)) {
        best[next] = score + this.#unknownScore;
        starts[next] = at;
        tokens[next] = NOTHING;
      }
      at = next;
    }
    return { starts, tokens };
  }
}

/** Bytes of the UTF-8 character at a position: 1 to 4, or 0 inside a character. */
function lengthAt(bytes: Uint8Array, at: number): number {
  const byte = bytes[at] ?? 0;
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}
