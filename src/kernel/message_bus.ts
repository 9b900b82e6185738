/**
 * The node's bus: a broadcast per topic, with a sequence number per topic, and replay.
 *
 * In one process and in memory; messages are copies (structured clones), so that a subscriber sees
 * the same whether it lives in the publisher's thread or not. What is frozen for that by `share` needs
 * no copy.
 */
import { Broadcast } from "./broadcast.ts";
import type { Bus, BusMessage } from "./service.ts";
import { isShared } from "./shared_value.ts";

/** Bounds of a bus. */
export interface BusLimits {
  /** Past messages kept per topic. @default {64} */
  readonly replayMax: number;
  /** Messages that one subscriber may have waiting. @default {1024} */
  readonly bufferMax: number;
  /** Topics; one more makes the longest unused one without subscribers be forgotten. @default {1024} */
  readonly topicsMax: number;
}

/** The limits that apply when nothing else is said. */
export const BUS_LIMITS: BusLimits = { replayMax: 64, bufferMax: 1024, topicsMax: 1024 };

interface Topic {
  readonly channel: Broadcast<BusMessage>;
  sequence: number;
}

/** The bus of one node. */
export class MessageBus implements Bus {
  readonly #limits: BusLimits;
  /** In the order of their last use, the longest unused first. */
  readonly #topics = new Map<string, Topic>();
  #droppedBefore = 0;

  /** @param limits bounds, kept for the bus's life */
  constructor(limits: Partial<BusLimits> = {}) {
    this.#limits = { ...BUS_LIMITS, ...limits };
  }

  /** Messages that slow subscribers have lost, over all topics. */
  get dropped(): number {
    let sum = this.#droppedBefore;
    for (const { channel } of this.#topics.values()) sum += channel.dropped;
    return sum;
  }

  /**
   * Hands a copy of `payload`, or itself when it is shared, to the topic's subscribers; never waits.
   *
   * @throws {DOMException} "DataCloneError" when the payload can't be cloned
   */
  publish(topic: string, payload: unknown): void {
    const copy: unknown = isShared(payload) ? payload : structuredClone(payload);
    const at = this.#topic(topic);
    at.sequence += 1;
    at.channel.publish({ topic, sequence: at.sequence, payload: copy });
  }

  /** Subscribes at once; see `Bus`. */
  subscribe(
    topic: string,
    options: { readonly signal: AbortSignal; readonly replay?: number },
  ): AsyncIterable<BusMessage> {
    return this.#topic(topic).channel.subscribe(options);
  }

  #topic(name: string): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) {
      this.#topics.delete(name);
      this.#topics.set(name, known);
      return known;
    }
    if (this.#topics.size >= this.#limits.topicsMax) this.#forgetOne();
    const made = { channel: new Broadcast<BusMessage>(this.#limits), sequence: 0 };
    this.#topics.set(name, made);
    return made;
  }

  #forgetOne(): void {
    for (const [name, topic] of this.#topics) {
      if (topic.channel.subscriberCount > 0) continue;
      this.#droppedBefore += topic.channel.dropped;
      this.#topics.delete(name);
      return;
    }
    throw new RangeError(
      `Cannot add a topic as at most ${this.#limits.topicsMax} may have subscribers`,
    );
  }
}
