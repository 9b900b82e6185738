/** Gossip over gossipsub: signed messages, topics that are followed while somebody reads them. */
import type { GossipSub, GossipSubComponents, Message } from "@libp2p/gossipsub";
import { gossipsub, TopicValidatorResult } from "@libp2p/gossipsub";
import { gossipBytesMax } from "../../ports/mod.ts";
import type { GossipMessage, PeerKey } from "../../ports/mod.ts";
import { EventQueue } from "./event_queue.ts";
import type { Registrar } from "./gated_registrar.ts";
import { GOSSIP_QUEUE_MAX } from "./limits.ts";
import { keyOfPeerId } from "./peer_keys.ts";

/** Bytes of a message around its payload: key, signature, topic, numbers. */
const ENVELOPE_BYTES = 1024;

/** Longest name of a topic, in characters. */
const TOPIC_CHARACTERS_MAX = 128;

/** What gossip asks and tells. */
export interface GossipOptions {
  /** Whether messages of this author are taken, through whomever they come. */
  readonly admits: (key: PeerKey) => boolean;
  readonly onDrop: () => void;
}

/** The service factory for libp2p, with the registrar that asks the gate. */
export function gossipService(
  registrar: (inner: Registrar) => Registrar,
): (components: GossipSubComponents) => GossipSub {
  const create = gossipsub({
    globalSignaturePolicy: "StrictSign",
    allowPublishToZeroTopicPeers: true,
    emitSelf: false,
    fallbackToFloodsub: false,
    tagMeshPeers: false,
    maxInboundDataLength: gossipBytesMax + ENVELOPE_BYTES,
    // A site of many nodes is one address to all others; the default shuns it.
    scoreParams: { IPColocationFactorWeight: 0 },
  });
  return ({ privateKey, peerId, peerStore, registrar: inner, connectionManager, logger }) =>
    create({
      privateKey,
      peerId,
      peerStore,
      connectionManager,
      logger,
      registrar: registrar(inner),
    });
}

/** Publishing and following over a running gossipsub. */
export class Gossip {
  readonly #pubsub: GossipSub;
  readonly #options: GossipOptions;
  readonly #queues = new Map<string, Set<EventQueue<GossipMessage>>>();

  /** @param pubsub the service; @param options whose messages are taken */
  constructor(pubsub: GossipSub, options: GossipOptions) {
    this.#pubsub = pubsub;
    this.#options = options;
    pubsub.addEventListener("message", ({ detail }) => this.#deliver(detail));
  }

  /** See `MeshNetwork`. */
  async publish(topic: string, bytes: Uint8Array): Promise<void> {
    checkTopic(topic);
    if (bytes.length > gossipBytesMax) {
      throw new RangeError(
        `Cannot publish as the limit is ${gossipBytesMax} bytes: current value is ${bytes.length}`,
      );
    }
    await this.#pubsub.publish(topic, bytes);
  }

  /** See `MeshNetwork`. */
  subscribe(topic: string, signal: AbortSignal): AsyncIterable<GossipMessage> {
    checkTopic(topic);
    const queues = this.#queues.get(topic) ?? this.#follow(topic);
    const queue = new EventQueue<GossipMessage>({
      lengthMax: GOSSIP_QUEUE_MAX,
      signal,
      onDrop: this.#options.onDrop,
      onEnd: () => {
        queues.delete(queue);
        if (queues.size === 0) this.#leave(topic);
      },
    });
    if (!signal.aborted) queues.add(queue);
    return queue;
  }

  /** Ends all subscriptions. */
  close(): void {
    for (const queues of [...this.#queues.values()]) for (const queue of [...queues]) queue.end();
  }

  #follow(topic: string): Set<EventQueue<GossipMessage>> {
    const queues = new Set<EventQueue<GossipMessage>>();
    this.#queues.set(topic, queues);
    this.#pubsub.topicValidators.set(topic, (_, message) => {
      if (this.#authorOf(message) !== undefined) return TopicValidatorResult.Accept;
      this.#options.onDrop();
      // The one who passed it on may know a newer roster, or an older one: no fault of theirs.
      return TopicValidatorResult.Ignore;
    });
    this.#pubsub.subscribe(topic);
    return queues;
  }

  #leave(topic: string): void {
    this.#queues.delete(topic);
    this.#pubsub.topicValidators.delete(topic);
    this.#pubsub.unsubscribe(topic);
  }

  #deliver(message: Message): void {
    const from = this.#authorOf(message);
    if (from === undefined) return;
    const { topic, data } = message;
    for (const queue of this.#queues.get(topic) ?? []) queue.push({ from, topic, bytes: data });
  }

  #authorOf(message: Message): PeerKey | undefined {
    if (message.type !== "signed" || message.data.length > gossipBytesMax) return undefined;
    const key = keyOfPeerId(message.from);
    return key !== undefined && this.#options.admits(key) ? key : undefined;
  }
}

function checkTopic(topic: string): void {
  if (topic.length > 0 && topic.length <= TOPIC_CHARACTERS_MAX) return;
  throw new RangeError(
    `Cannot use a topic as its name must have 1 to ${TOPIC_CHARACTERS_MAX} characters: current value is ${topic.length}`,
  );
}
