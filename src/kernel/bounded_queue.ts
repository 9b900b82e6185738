/**
 * A queue with a bound, a policy at the bound, and counters: between what produces and what consumes.
 *
 * One process, one thread; not durable.
 */

/**
 * What happens to an item when the queue is full: "refuse" it, "drop-oldest" to make room, or let
 * the producer "wait" (which only `send` can).
 */
export type QueuePolicy = "refuse" | "drop-oldest" | "wait";

/** What a queue has done so far. */
export interface QueueCounters {
  /** Items that entered. */
  readonly accepted: number;
  /** Items that `offer` turned away. */
  readonly refused: number;
  /** Items that entered and were dropped for newer ones. */
  readonly dropped: number;
  /** Items that were taken. */
  readonly taken: number;
}

interface Waiter<T> {
  readonly resolve: (value: T) => void;
}

/** What a queue may hold: anything but `undefined`, which stands for "no more". */
export type QueueItem = object | string | number | bigint | boolean | null;

/** A first-in, first-out queue of at most `capacity` items. */
export class BoundedQueue<T extends QueueItem> implements AsyncIterable<T> {
  readonly #capacity: number;
  readonly #policy: QueuePolicy;
  readonly #items: T[] = [];
  /** Consumers in the order in which they came; only while `#items` is empty. */
  readonly #takers: Waiter<T | undefined>[] = [];
  /** Producers in the order in which they came; only while `#items` is full. */
  readonly #senders: (Waiter<boolean> & { readonly item: T })[] = [];
  #closed = false;
  #accepted = 0;
  #refused = 0;
  #dropped = 0;
  #taken = 0;

  /**
   * @param options `capacity` at least 1
   * @throws {RangeError} when `capacity` is not a positive integer
   */
  constructor(options: { readonly capacity: number; readonly policy: QueuePolicy }) {
    if (!Number.isSafeInteger(options.capacity) || options.capacity < 1) {
      throw new RangeError(
        `Cannot make a queue as 'capacity' must be a positive integer: current value is ${options.capacity}`,
      );
    }
    this.#capacity = options.capacity;
    this.#policy = options.policy;
  }

  /** Items that wait. */
  get length(): number {
    return this.#items.length;
  }

  /** Whether `close` was called. */
  get closed(): boolean {
    return this.#closed;
  }

  /** What the queue has done so far. */
  get counters(): QueueCounters {
    const [accepted, refused] = [this.#accepted, this.#refused];
    return { accepted, refused, dropped: this.#dropped, taken: this.#taken };
  }

  /**
   * Adds an item without waiting.
   *
   * @returns false when it was refused: the queue is closed, or full under another policy than
   * "drop-oldest"
   */
  offer(item: T): boolean {
    if (this.#closed) return this.#refuse();
    const taker = this.#takers.shift();
    if (taker !== undefined) {
      this.#accepted += 1;
      this.#taken += 1;
      taker.resolve(item);
      return true;
    }
    if (this.#items.length >= this.#capacity) {
      if (this.#policy !== "drop-oldest") return this.#refuse();
      this.#items.shift();
      this.#dropped += 1;
    }
    this.#accepted += 1;
    this.#items.push(item);
    return true;
  }

  /**
   * Adds an item, waiting for room under the policy "wait".
   *
   * @returns false when it was refused, also by `close` while waiting
   * @throws the signal's reason when it aborts first; the item is then not added
   */
  async send(item: T, signal?: AbortSignal): Promise<boolean> {
    signal?.throwIfAborted();
    const full = this.#items.length >= this.#capacity && this.#takers.length === 0;
    if (this.#policy !== "wait" || this.#closed || !full) return this.offer(item);
    return await waitIn(this.#senders, (resolve) => ({ resolve, item }), signal);
  }

  /** Takes the oldest item, or `undefined` when there is none. */
  tryTake(): T | undefined {
    if (this.#items.length === 0) return undefined;
    const item = this.#items.shift();
    this.#taken += 1;
    this.#admit();
    return item;
  }

  /**
   * Takes the oldest item, waiting for one.
   *
   * @returns `undefined` when the queue is closed and empty
   * @throws the signal's reason when it aborts first
   */
  async take(signal?: AbortSignal): Promise<T | undefined> {
    signal?.throwIfAborted();
    if (this.#items.length > 0) return this.tryTake();
    if (this.#closed) return undefined;
    return await waitIn(this.#takers, (resolve) => ({ resolve }), signal);
  }

  /** Refuses new items from now on; what is in the queue can still be taken. */
  close(): void {
    this.#closed = true;
    for (const taker of this.#takers.splice(0)) taker.resolve(undefined);
    for (const sender of this.#senders.splice(0)) sender.resolve(this.#refuse());
  }

  /** Takes until the queue is closed and empty. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    for (let item = await this.take(); item !== undefined; item = await this.take()) yield item;
  }

  #refuse(): false {
    this.#refused += 1;
    return false;
  }

  /** Room was made: the producer that waits longest gets it. */
  #admit(): void {
    const sender = this.#senders.shift();
    if (sender === undefined) return;
    this.#items.push(sender.item);
    this.#accepted += 1;
    sender.resolve(true);
  }
}

/** Parks a waiter in a list until it is resolved, or takes it out again when `signal` aborts. */
function waitIn<V, W extends Waiter<V>>(
  list: W[],
  make: (resolve: (value: V) => void) => W,
  signal: AbortSignal | undefined,
): Promise<V> {
  return new Promise((resolve, reject) => {
    const waiter = make((value) => {
      signal?.removeEventListener("abort", onAbort);
      resolve(value);
    });
    function onAbort(): void {
      list.splice(list.indexOf(waiter), 1);
      reject(signal?.reason);
    }
    list.push(waiter);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
