/**
 * A bounded queue that is read as an async iterable: what comes while nobody reads waits, up to a
 * limit, beyond which the oldest is dropped and counted.
 */

/** How a queue behaves. */
export interface EventQueueOptions {
  /** So many wait at most. */
  readonly lengthMax: number;
  /** Ends the iteration; what waits then is lost. */
  readonly signal: AbortSignal;
  /** Called for each item that had to make room. */
  readonly onDrop?: () => void;
  /** Called once, when the iteration ends for whatever reason. */
  readonly onEnd?: () => void;
}

/** Items on their way to one reader. */
export class EventQueue<T> implements AsyncIterable<T> {
  readonly #options: EventQueueOptions;
  readonly #items: T[] = [];
  #wake: (() => void) | undefined;
  #ended = false;

  /** @param options limit, end, and who is told of what */
  constructor(options: EventQueueOptions) {
    this.#options = options;
    if (options.signal.aborted) this.#ended = true;
    else options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Adds an item, or does nothing after the end. */
  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    if (this.#items.length > this.#options.lengthMax) {
      this.#items.shift();
      this.#options.onDrop?.();
    }
    this.#wake?.();
  }

  /** Ends the iteration; repeatable. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#items.length = 0;
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#wake?.();
    this.#options.onEnd?.();
  }

  /** Items in order; leaving the loop ends the queue. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    try {
      while (!this.#ended) {
        const item = this.#items.shift();
        if (item !== undefined) yield item;
        else await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      this.end();
    }
  }

  readonly #onAbort = (): void => this.end();
}
