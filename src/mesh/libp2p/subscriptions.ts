/**
 * Who follows which topic of gossip. It outlives the transport: a topic may be followed before the
 * node listens and goes on after it listens anew.
 */
import type { GossipMessage } from "../../ports/mod.ts";
import { EventQueue } from "./event_queue.ts";
import { GOSSIP_QUEUE_MAX } from "./limits.ts";

/** Longest name of a topic, in characters. */
const TOPIC_CHARACTERS_MAX = 128;

/** Is told when a topic gets its first follower, and when it loses its last. */
export interface TopicListener {
  onFollowed(topic: string): void;
  onLeft(topic: string): void;
}

/** Followers by topic. */
export class Subscriptions {
  readonly #queues = new Map<string, Set<EventQueue<GossipMessage>>>();
  readonly #onDrop: () => void;
  #listener: TopicListener | undefined;

  /** @param onDrop called for each message that made room for a newer one */
  constructor(onDrop: () => void) {
    this.#onDrop = onDrop;
  }

  /** Tells `listener` of the topics that are followed now and from now on; undefined ends that. */
  attach(listener: TopicListener | undefined): void {
    this.#listener = listener;
    for (const topic of this.#queues.keys()) listener?.onFollowed(topic);
  }

  /** See `MeshNetwork`. @throws {RangeError} for a topic's name that is empty or too long */
  subscribe(topic: string, signal: AbortSignal): AsyncIterable<GossipMessage> {
    checkTopic(topic);
    const queue = new EventQueue<GossipMessage>({
      lengthMax: GOSSIP_QUEUE_MAX,
      signal,
      onDrop: this.#onDrop,
      onEnd: () => this.#leave(topic, queue),
    });
    if (signal.aborted) return queue;
    const queues = this.#queues.get(topic) ?? new Set();
    queues.add(queue);
    if (!this.#queues.has(topic)) {
      this.#queues.set(topic, queues);
      this.#listener?.onFollowed(topic);
    }
    return queue;
  }

  /** Hands a message to all that follow its topic. */
  deliver(message: GossipMessage): void {
    for (const queue of this.#queues.get(message.topic) ?? []) queue.push(message);
  }

  #leave(topic: string, queue: EventQueue<GossipMessage>): void {
    const queues = this.#queues.get(topic);
    queues?.delete(queue);
    if (queues?.size !== 0) return;
    this.#queues.delete(topic);
    this.#listener?.onLeft(topic);
  }
}

/** @throws {RangeError} for a topic's name that is empty or too long */
export function checkTopic(topic: string): void {
  if (topic.length > 0 && topic.length <= TOPIC_CHARACTERS_MAX) return;
  throw new RangeError(
    `Cannot use a topic as its name must have 1 to ${TOPIC_CHARACTERS_MAX} characters: current value is ${topic.length}`,
  );
}
