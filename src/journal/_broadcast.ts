/** Live events for any number of followers, each with a bounded buffer of its own. */
import { JournalError } from "./errors.ts";
import type { JournalEvent } from "./event.ts";

interface Follower {
  readonly buffer: JournalEvent[];
  /** Set while the follower waits for an event. */
  wake: (() => void) | undefined;
  lagged: boolean;
}

/** Hands every published event to every follower. A follower that lags is told so and ends. */
export class Broadcast {
  readonly #followers = new Set<Follower>();
  readonly #eventsMax: number;
  #closed = false;
  /** Followers that were ended because they were too slow. */
  laggedCount = 0;

  constructor(options: { readonly eventsMax: number }) {
    this.#eventsMax = options.eventsMax;
  }

  publish(event: JournalEvent): void {
    for (const follower of this.#followers) {
      if (follower.buffer.length >= this.#eventsMax) {
        follower.lagged = true;
        this.laggedCount++;
        this.#followers.delete(follower);
      } else {
        follower.buffer.push(event);
      }
      follower.wake?.();
    }
  }

  /** Ends every follower when it has read what it was given. */
  close(): void {
    this.#closed = true;
    for (const follower of this.#followers) follower.wake?.();
  }

  /** Subscribes at once, not at the first read; ends quietly when `signal` aborts. */
  follow(signal: AbortSignal): AsyncIterable<JournalEvent> {
    const follower: Follower = { buffer: [], wake: undefined, lagged: false };
    if (!signal.aborted) this.#followers.add(follower);
    return this.#read(follower, signal);
  }

  async *#read(follower: Follower, signal: AbortSignal): AsyncGenerator<JournalEvent, void> {
    const onAbort = (): void => follower.wake?.();
    signal.addEventListener("abort", onAbort);
    try {
      while (!signal.aborted) {
        const event = follower.buffer.shift();
        if (event !== undefined) yield event;
        else if (follower.lagged) throw laggedError(this.#eventsMax);
        else if (this.#closed) return;
        else {
          await new Promise<void>((resolve) => follower.wake = resolve);
          follower.wake = undefined;
        }
      }
    } finally {
      signal.removeEventListener("abort", onAbort);
      this.#followers.delete(follower);
    }
  }
}

function laggedError(eventsMax: number): JournalError {
  const message =
    `Cannot follow the journal as the reader must not fall behind: current value is more than ${eventsMax} events`;
  return new JournalError({ code: "lagged", message });
}
