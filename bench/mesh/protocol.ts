/**
 * What a benchmark or a test asks of a process that holds layers of a model, a line of JSON each way.
 */

/** A node, as others reach it. */
export interface NodeAddress {
  /** Its public key. */
  readonly key: string;
  readonly addresses: readonly string[];
}

/** Layers that a node holds. */
export interface HeldLayers {
  readonly from: number;
  readonly to: number;
  readonly embedding: boolean;
  readonly head: boolean;
}

/** Tokens to be computed one after the other. */
export interface Text {
  readonly prompt: readonly number[];
  /** Tokens that follow. */
  readonly count: number;
  /** Tokens that are drafted at once at most; 0 for no speculation. */
  readonly speculate: number;
  /** Whether three of four tokens are of the prompt, in runs of twelve, whatever is likely. */
  readonly quotes?: boolean;
  /** Seed of the sampler; the likeliest token without it. */
  readonly seed?: number;
}

/** A question. */
export type NodeAsk =
  /** Loads layers (without them, all) for one thread; `node` numbers its key. */
  | {
    readonly op: "load";
    readonly path: string;
    readonly node: number;
    readonly layers?: HeldLayers;
  }
  /** Sees to links with other nodes. */
  | { readonly op: "link"; readonly peers: readonly NodeAddress[] }
  /** From now on it computes over these stages, in their order; its own is among them. */
  | { readonly op: "route"; readonly stages: readonly (HeldLayers & { readonly key: string })[] }
  | { readonly op: "decode" } & Text
  /**
   * Computes what it holds of `count` tokens, one after the other, after `positions` others, with nobody
   * else: the least that its share of a text takes.
   */
  | { readonly op: "alone"; readonly positions: number; readonly count: number }
  /** As `decode`, with a digest of every row of logits and of the prompt's last activations. */
  | { readonly op: "digest" } & Text
  /** Bytes that it has sent on streams so far, as `units`. */
  | { readonly op: "sent" }
  /** Whom an echo goes to next (nobody: back to who began it), in a frame of so many bytes. */
  | { readonly op: "echo-to"; readonly next?: string; readonly frameBytes: number }
  /** Echoes a frame round the stages, `count` times one after the other. */
  | {
    readonly op: "echo";
    readonly first: string;
    readonly last: string;
    readonly frameBytes: number;
    readonly count: number;
  };

/** An answer to each. */
export interface NodeAnswer {
  /** Time of the work. */
  readonly ms: number;
  /** Tokens, rounds or bytes. */
  readonly units: number;
  /** Of a load: how it is reached. */
  readonly self?: NodeAddress;
  /** Of a text: time of its prompt, which is not in `ms`. */
  readonly promptMs?: number;
  /** Of a text: its tokens. */
  readonly tokens?: readonly number[];
  /** Of a text: drafts that were computed, and those that were right. */
  readonly drafts?: { readonly drafted: number; readonly accepted: number };
  /** Of a digest: SHA-256 of the logits' and of the activations' bytes. */
  readonly digests?: { readonly logits: string; readonly activations: string };
}
