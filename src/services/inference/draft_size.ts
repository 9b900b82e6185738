/**
 * How many tokens to draft for one sequence: what the last drafts came to decides.
 */

/** Share of the last draft in the mean. */
const share = 0.2;

/** Drafts below this are not worth a row. */
const acceptanceMin = 0.2;

/** Tokens that pass without a draft after drafting has not paid; doubles each time. */
const pauseTokensMin = 16;
const pauseTokensMax = 512;

/** Adapts to how often drafts are right. */
export class DraftSize {
  readonly #max: number;
  #acceptance = 0.7;
  #size: number;
  #pauseTokens = pauseTokensMin;
  #pausedTokens = 0;

  /** @param max tokens of one draft; 0 switches drafts off */
  constructor(max: number) {
    this.#max = max;
    this.#size = Math.min(3, max);
  }

  /** The mean share of drafted tokens that were right. */
  get acceptance(): number {
    return this.#acceptance;
  }

  /** How many tokens to draft now, at most `room`; call it once for each computed token. */
  next(room: number): number {
    if (this.#pausedTokens > 0) {
      this.#pausedTokens--;
      return 0;
    }
    return Math.min(this.#size, room, this.#max);
  }

  /** Learns that `accepted` of `drafted` tokens were right. */
  learn(drafted: number, accepted: number): void {
    this.#acceptance += (accepted / drafted - this.#acceptance) * share;
    this.#size = accepted === drafted
      ? Math.min(this.#max, this.#size + 2)
      : Math.max(1, accepted + 1);
    if (accepted > 0) this.#pauseTokens = pauseTokensMin;
    if (this.#acceptance >= acceptanceMin) return;
    this.#pausedTokens = this.#pauseTokens;
    this.#pauseTokens = Math.min(pauseTokensMax, this.#pauseTokens * 2);
    this.#acceptance = 2 * acceptanceMin;
  }
}
