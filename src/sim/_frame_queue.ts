/**
 * What waits to be read at one end of a simulated stream, or at one subscriber: an async iterable
 * that ends, or fails, once what came before has been read.
 */

/** Items for one reader. */
export class FrameQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #onRead: (item: T) => void;
  #wake: (() => void) | undefined;
  #ended = false;
  #failure: unknown;
  #taken = false;

  /** @param onRead told of each item when the reader takes it */
  constructor(onRead: (item: T) => void = (): void => {}) {
    this.#onRead = onRead;
  }

  /** How many wait. */
  get length(): number {
    return this.#items.length;
  }

  /** Adds an item; after the end it is lost. */
  push(item: T): void {
    if (this.#ended) return;
    this.#items.push(item);
    this.#wake?.();
  }

  /** Drops the oldest item. */
  shift(): T | undefined {
    return this.#items.shift();
  }

  /** Nothing more comes; with a reason the reader's loop throws it. */
  end(failure?: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = failure;
    this.#wake?.();
  }

  /** Ends at once: what waits is lost. */
  cut(failure?: unknown): void {
    this.#items.length = 0;
    this.end(failure);
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    if (this.#taken) {
      throw new TypeError("Cannot read what arrives twice as it is read by another loop");
    }
    this.#taken = true;
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#onRead(item);
        yield item;
      } else if (this.#ended) {
        if (this.#failure !== undefined) throw this.#failure;
        return;
      } else {
        await new Promise<void>((resolve) => this.#wake = resolve);
        this.#wake = undefined;
      }
    }
  }
}
