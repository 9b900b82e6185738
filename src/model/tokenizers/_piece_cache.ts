/**
 * A bounded memory of pieces and their tokens: a text repeats its words.
 */

/** Pieces longer than this, in UTF-16 units, are not kept. */
const PIECE_UNITS_MAX = 32;
/** Most pieces kept: some 4 MB. */
const PIECES_MAX = 16_384;

/** Pieces to tokens; the oldest piece leaves when there is one too many. */
export class PieceCache {
  readonly #tokens = new Map<string, readonly number[]>();

  /** The tokens of a piece, if it is remembered. */
  get(piece: string): readonly number[] | undefined {
    return this.#tokens.get(piece);
  }

  /** Remembers a piece, unless it is long. */
  set(piece: string, tokens: readonly number[]): void {
    if (piece.length > PIECE_UNITS_MAX) return;
    if (this.#tokens.size >= PIECES_MAX) {
      for (const oldest of this.#tokens.keys()) {
        this.#tokens.delete(oldest);
        break;
      }
    }
    this.#tokens.set(piece, tokens);
  }
}
