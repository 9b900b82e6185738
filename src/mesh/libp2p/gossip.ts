/** Gossip over gossipsub: signed messages, topics that are followed while somebody reads them. */
import type { GossipSub, GossipSubComponents, Message } from "@libp2p/gossipsub";
import { gossipsub, TopicValidatorResult } from "@libp2p/gossipsub";
import { gossipBytesMax } from "../../ports/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { Registrar } from "./gated_registrar.ts";
import { keyOfPeerId } from "./peer_keys.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { checkTopic } from "./subscriptions.ts";

/** Bytes of a message around its payload: key, signature, topic, numbers. */
const ENVELOPE_BYTES = 1024;

/** What gossip asks and tells. */
export interface GossipOptions {
  /** Whether messages of this author are taken, through whomever they come. */
  readonly admits: (key: PeerKey) => boolean;
  readonly onDrop: () => void;
  readonly subscriptions: Subscriptions;
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

  /** @param pubsub the service; @param options whose messages are taken, and for whom */
  constructor(pubsub: GossipSub, options: GossipOptions) {
    this.#pubsub = pubsub;
    this.#options = options;
    pubsub.addEventListener("message", ({ detail }) => this.#deliver(detail));
    options.subscriptions.attach({
      onFollowed: (topic) => this.#follow(topic),
      onLeft: (topic) => this.#leave(topic),
    });
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

  /** Leaves the topics to whoever comes next. */
  close(): void {
    this.#options.subscriptions.attach(undefined);
  }

  #follow(topic: string): void {
    this.#pubsub.topicValidators.set(topic, (_, message) => {
      if (this.#authorOf(message) !== undefined) return TopicValidatorResult.Accept;
      this.#options.onDrop();
      // The one who passed it on may know a newer roster, or an older one: no fault of theirs.
      return TopicValidatorResult.Ignore;
    });
    this.#pubsub.subscribe(topic);
  }

  #leave(topic: string): void {
    this.#pubsub.topicValidators.delete(topic);
    this.#pubsub.unsubscribe(topic);
  }

  #deliver(message: Message): void {
    const from = this.#authorOf(message);
    if (from === undefined) return;
    const { topic, data: bytes } = message;
    this.#options.subscriptions.deliver({ from, topic, bytes });
  }

  #authorOf(message: Message): PeerKey | undefined {
    if (message.type !== "signed" || message.data.length > gossipBytesMax) return undefined;
    const key = keyOfPeerId(message.from);
    return key !== undefined && this.#options.admits(key) ? key : undefined;
  }
}
