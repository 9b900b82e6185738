/**
 * What waits to be read at one end of a simulated stream, or at one subscriber: an async iterable
 * that ends, or fails, once what came before has been read. Written by hand rather than as a
 * generator, since every frame of a simulated mesh goes through it.
 */

interface Waiter<T> {
  readonly resolve: (result: IteratorResult<T, undefined>) => void;
  readonly reject: (failure: unknown) => void;
}

/** Items for one reader. */
export class FrameQueue<T> implements AsyncIterable<T> {
  readonly #items: T[] = [];
  readonly #onRead: (item: T) => void;
  /** What the reader has asked for and not got; only while nothing waits. */
  readonly #waiters: Waiter<T>[] = [];
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
    const waiter = this.#waiters.shift();
    if (waiter === undefined) return void this.#items.push(item);
    this.#onRead(item);
    waiter.resolve({ done: false, value: item });
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
    for (const waiter of this.#waiters.splice(0)) {
      if (this.#failure === undefined) waiter.resolve({ done: true, value: undefined });
      else waiter.reject(this.#takeFailure());
    }
  }

  /** Ends at once: what waits is lost. */
  cut(failure?: unknown): void {
    this.#items.length = 0;
    this.end(failure);
  }

  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    if (this.#taken) {
      throw new TypeError("Cannot read what arrives twice as it is read by another loop");
    }
    this.#taken = true;
    return { next: () => this.#next(), return: () => this.#leave() };
  }

  #next(): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#onRead(item);
      return Promise.resolve({ done: false, value: item });
    }
    if (!this.#ended) {
      return new Promise((resolve, reject) => void this.#waiters.push({ resolve, reject }));
    }
    if (this.#failure !== undefined) return Promise.reject(this.#takeFailure());
    return Promise.resolve({ done: true, value: undefined });
  }

  /** The reader wants no more. */
  #leave(): Promise<IteratorResult<T, undefined>> {
    this.#failure = undefined;
    this.cut();
    return Promise.resolve({ done: true, value: undefined });
  }

  /** A failure is thrown once; who goes on reading is at the end. */
  #takeFailure(): unknown {
    const failure = this.#failure;
    this.#failure = undefined;
    return failure;
  }
}
