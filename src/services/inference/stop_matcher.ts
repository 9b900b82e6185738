/**
 * Finds stop strings in a text that arrives in pieces, and trims exactly.
 *
 * The match that counts is the one that ends first; of two that end together, the longer. So the
 * result depends on the text alone and not on where it was cut into pieces. What might still become
 * a match is held back; nothing else is.
 */

/** What a piece of text led to. */
export interface StopStep {
  /** Text that can no longer be part of a stop string; may be empty. */
  readonly text: string;
  /** The stop string that was found; the text after it is dropped, as is the string itself. */
  readonly stop?: string;
}

/** A matcher for one text; after a match or `flush()` it is used up. */
export class StopMatcher {
  readonly #stops: readonly string[];
  /** The longest suffix of the text so far that is a proper prefix of a stop string. */
  #held = "";

  /**
   * @param stops well-formed, non-empty strings; none at all lets every text through
   * @throws {RangeError} when a stop string is empty or cuts a surrogate pair
   */
  constructor(stops: readonly string[]) {
    for (const stop of stops) {
      if (stop !== "" && stop.isWellFormed()) continue;
      throw new RangeError(
        "Cannot match a stop string as it must be well-formed and not empty: current value is " +
          JSON.stringify(stop),
      );
    }
    this.#stops = stops;
  }

  /** Takes the next piece, in whole code points. */
  push(piece: string): StopStep {
    const text = this.#held + piece;
    const match = firstToEnd(text, this.#stops);
    if (match !== undefined) {
      this.#held = "";
      return { text: text.slice(0, match.start), stop: match.stop };
    }
    const heldFrom = startOfPossibleStop(text, this.#stops);
    this.#held = text.slice(heldFrom);
    return { text: text.slice(0, heldFrom) };
  }

  /** What was held back: the text has ended, so it is no stop string. */
  flush(): string {
    const held = this.#held;
    this.#held = "";
    return held;
  }
}

function firstToEnd(
  text: string,
  stops: readonly string[],
): { readonly start: number; readonly stop: string } | undefined {
  let best: { start: number; stop: string } | undefined;
  for (const stop of stops) {
    const start = text.indexOf(stop);
    if (start < 0) continue;
    const end = start + stop.length;
    const bestEnd = best === undefined ? Infinity : best.start + best.stop.length;
    if (end < bestEnd || (end === bestEnd && best !== undefined && start < best.start)) {
      best = { start, stop };
    }
  }
  return best;
}

/** Where the longest suffix of `text` begins that is a proper prefix of a stop string. */
function startOfPossibleStop(text: string, stops: readonly string[]): number {
  let from = text.length;
  for (const stop of stops) {
    const earliest = Math.max(0, text.length - stop.length + 1);
    for (let start = earliest; start < from; start++) {
      if (stop.startsWith(text.slice(start))) from = start;
    }
  }
  return from;
}
