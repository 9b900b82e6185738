/**
 * One producer's items to any number of subscribers, each with a bounded buffer of its own, and a
 * replay of the last items for those who come later.
 *
 * A slow subscriber loses its oldest items and is told how many; it never slows the producer.
 */
import { BoundedQueue } from "./bounded_queue.ts";
import type { QueueItem } from "./bounded_queue.ts";

/** What a subscriber holds; iterate it once. */
export interface Subscription<T> extends AsyncIterable<T> {
  /** Items that this subscriber lost by being slow. */
  readonly dropped: number;
  /** Ends the subscription; what is buffered can still be read. */
  close(): void;
}

/** Bounds of a broadcast. */
export interface BroadcastOptions {
  /** Past items that are kept for later subscribers (0 or more). */
  readonly replayMax: number;
  /** Items that one subscriber may have waiting (1 or more). */
  readonly bufferMax: number;
}

/** A broadcast channel. */
export class Broadcast<T extends QueueItem> {
  readonly #options: BroadcastOptions;
  readonly #past: T[] = [];
  readonly #buffers = new Set<BoundedQueue<T>>();
  #closed = false;
  #droppedBefore = 0;

  /** @param options bounds, kept for the channel's life */
  constructor(options: BroadcastOptions) {
    this.#options = options;
  }

  /** Subscribers at this moment. */
  get subscriberCount(): number {
    return this.#buffers.size;
  }

  /** Items that slow subscribers have lost, all together. */
  get dropped(): number {
    let sum = this.#droppedBefore;
    for (const buffer of this.#buffers) sum += buffer.counters.dropped;
    return sum;
  }

  /** Hands `item` to every subscriber; never waits. */
  publish(item: T): void {
    if (this.#closed) return;
    if (this.#options.replayMax > 0) {
      if (this.#past.length >= this.#options.replayMax) this.#past.shift();
      this.#past.push(item);
    }
    for (const buffer of this.#buffers) buffer.offer(item);
  }

  /**
   * Subscribes at once, whether or not the iteration has begun.
   *
   * @param options `replay`: how many past items come first, at most (0 or more), and no more than
   * fit into the buffer; `signal` ends the subscription without an error
   */
  subscribe(
    options: { readonly signal?: AbortSignal; readonly replay?: number } = {},
  ): Subscription<T> {
    const { signal, replay = 0 } = options;
    const capacity = this.#options.bufferMax;
    const buffer = new BoundedQueue<T>({ capacity, policy: "drop-oldest" });
    const wanted = Math.min(replay, capacity, this.#past.length);
    for (const item of this.#past.slice(this.#past.length - wanted)) buffer.offer(item);
    const close = (): void => {
      signal?.removeEventListener("abort", close);
      buffer.close();
      if (this.#buffers.delete(buffer)) this.#droppedBefore += buffer.counters.dropped;
    };
    if (this.#closed || signal?.aborted) buffer.close();
    else {
      this.#buffers.add(buffer);
      signal?.addEventListener("abort", close, { once: true });
    }
    return subscription(buffer, close);
  }

  /** Ends every subscription and drops later items. */
  close(): void {
    this.#closed = true;
    for (const buffer of this.#buffers) buffer.close();
  }
}

function subscription<T extends QueueItem>(
  buffer: BoundedQueue<T>,
  close: () => void,
): Subscription<T> {
  return {
    get dropped(): number {
      return buffer.counters.dropped;
    },
    close,
    [Symbol.asyncIterator](): AsyncIterator<T> {
      return {
        async next(): Promise<IteratorResult<T>> {
          const item = await buffer.take();
          if (item !== undefined) return { done: false, value: item };
          close();
          return { done: true, value: undefined };
        },
        return(): Promise<IteratorResult<T>> {
          close();
          return Promise.resolve({ done: true, value: undefined });
        },
      };
    },
  };
}
