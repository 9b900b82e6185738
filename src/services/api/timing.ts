/**
 * What an answer says of itself: how long it took, and which nodes computed it. `Server-Timing` (W3C
 * Server Timing, section 4) and `x-skep-route` of whole answers; of a stream, whose headers are gone by
 * then, both in a comment at its end.
 */
import type { Clock, PeerKey } from "../../ports/mod.ts";
import type { ChoiceItem } from "./choices.ts";

/** Places of a route that are named; of a longer one the rest is counted. */
const placesMax = 64;

/** Digits of a key that are shown. */
const keyDigits = 12;

/** Who has computed which layers. */
export interface RoutePlace {
  readonly peer: PeerKey;
  readonly from: number;
  /** The layer after the last. */
  readonly to: number;
}

/** Times one answer, from the request's acceptance on. */
export class AnswerTiming {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #startMs: number;
  #firstMs: number | undefined;
  #endMs: number | undefined;
  #tokens = 0;
  #route: readonly RoutePlace[] = [];

  /** @param receivedMs when the request came, of the clock's monotonic time */
  constructor(clock: Pick<Clock, "monotonicMs">, receivedMs: number) {
    this.#clock = clock;
    this.#startMs = receivedMs;
  }

  /** Notes an item of any choice. */
  note({ item }: ChoiceItem): void {
    if (item.type === "start") return;
    this.#firstMs ??= this.#clock.monotonicMs();
    this.#tokens += item.tokens.length;
    if (item.type !== "end") return;
    this.#endMs = this.#clock.monotonicMs();
    if (item.route !== undefined) this.#route = item.route;
  }

  /** Headers of a whole answer. */
  headers(): Record<string, string> {
    const route = this.#routeText();
    return {
      "server-timing": this.#timingText(),
      ...(route === undefined ? {} : { "x-skep-route": route }),
    };
  }

  /** The comment of a stream: one line that clients pass over (WHATWG HTML, section 9.2.6). */
  comment(): string {
    const route = this.#routeText();
    return `: server-timing ${this.#timingText()}${
      route === undefined ? "" : `; route ${route}`
    }\n\n`;
  }

  #timingText(): string {
    const endMs = this.#endMs ?? this.#clock.monotonicMs();
    const firstMs = this.#firstMs ?? endMs;
    return [
      `first;desc="until the first text";dur=${duration(firstMs - this.#startMs)}`,
      `rest;desc="${this.#tokens} tokens in all";dur=${duration(endMs - firstMs)}`,
      `total;dur=${duration(endMs - this.#startMs)}`,
    ].join(", ");
  }

  /** "3f2a9c104b5d 0-4, ...", as `--layers` takes them: keys are hexadecimal, so nothing has to be escaped. */
  #routeText(): string | undefined {
    if (this.#route.length === 0) return undefined;
    const shown = this.#route.slice(0, placesMax)
      .map(({ peer, from, to }) => `${peer.slice(0, keyDigits)} ${from}-${to}`);
    const left = this.#route.length - shown.length;
    return [...shown, ...left > 0 ? [`and ${left} more`] : []].join(", ");
  }
}

function duration(ms: number): string {
  return Math.max(0, ms).toFixed(1);
}
