/**
 * The executor's face: what batching, splitting, speculation and receipts stand on.
 *
 * An executor holds some layers of one model (and perhaps its embedding and head) and the KV pages
 * of its sessions. It computes; it does not sample, tokenise, schedule or talk to anybody. Its
 * arithmetic is the numeric class's (docs/NUMERIC_CLASS.md): the bits of a position's hidden state
 * depend on the model and on the tokens before it, and on nothing else.
 */
import type { ModelShape } from "../model/mod.ts";
import type { EngineError } from "./errors.ts";

/** Layers `from` (inclusive) to `to` (exclusive). */
export interface LayerRange {
  readonly from: number;
  readonly to: number;
}

/** A sequence's state: the KV pages of its positions. Not shared between executors. */
export interface Session {
  /** How many positions have been written in every local layer (the next position to compute). */
  readonly positionCount: number;
  /**
   * Positions that were not computed as they were held already; of a session whose layers are elsewhere
   * that is known after the first step only. Absent: what it held when it was opened.
   */
  readonly reusedPositions?: number;
  /** Forgets positions from `positionCount` on; the number may not grow. */
  truncate(positionCount: number): void;
  /** A new session with the same positions; pages are shared until one of the two writes. */
  fork(): Session;
  /** Gives the pages back; any later use of the session throws. */
  drop(): void;
}

/** A run of consecutive positions of one session. */
export interface BatchEntry {
  readonly session: Session;
  /** First absolute position; must equal what the session holds for these layers. */
  readonly firstPosition: number;
  /** How many positions, at least 1. */
  readonly positionCount: number;
  /** Their tokens, where they are known, so that a later session can take full pages over. */
  readonly tokens?: Uint32Array;
  /**
   * Instead of tokens, by somebody who must not know them: links of the session's whole pages from
   * position 0 on, 32 B each, as far as they are known.
   */
  readonly links?: Uint8Array;
}

/** A ragged batch: rows of the hidden state are the entries' positions, one after the other. */
export type Batch = readonly BatchEntry[];

/** The arguments of `Executor.forward`. */
export interface DigestedCall {
  readonly layers: LayerRange;
  readonly batch: Batch;
  /** rows x width. */
  readonly hidden: Float32Array;
  readonly signal?: AbortSignal;
}

/** The arguments of `Executor.forwardTokens`. */
export interface TokensCall extends Omit<DigestedCall, "hidden"> {
  /** One a row. */
  readonly tokens: Uint32Array;
}

/** Rows of the hidden state with their digests. */
export interface DigestedRows {
  /** rows x width. */
  readonly hidden: Float32Array;
  /** BLAKE3 of each row's f32 values, little endian: 32 B a row (section 7 of the class). */
  readonly digests: Uint8Array;
}

/** How tokens are cut and chained (section 7.2 of the class). */
export interface TokenBlockOptions {
  /** Tokens of a block, 1 to 256. */
  readonly blockTokens: number;
  /** What the first link follows: 32 bytes, usually of `tokenChainSeed`. */
  readonly seed: Uint8Array;
}

/** Digests made where the executor's memory has the bytes, many at a time. */
export interface ExecutorDigests {
  /** `forward` of the executor, and the digest of each row that it gives. */
  forward(call: DigestedCall): Promise<DigestedRows>;
  /**
   * The links of the tokens' whole blocks, 32 B each: two sequences have the same i-th link exactly
   * when their first i + 1 blocks are the same. A rest that fills no block has none.
   *
   * @throws {RangeError} when an option is out of range
   */
  tokenBlocks(tokens: Uint32Array, options: TokenBlockOptions): Uint8Array;
}

/** Computes parts of one model. All methods reject with `EngineError`. */
export interface Executor {
  readonly shape: ModelShape;
  /** For example "skep-q8a/1". */
  readonly numericClass: string;
  /** Positions a session may have: the configured context, at most the model's. */
  readonly contextMax: number;
  /** Which layers are held here. */
  readonly layers: LayerRange;
  /** Opens an empty session; rejects with code "no-memory" when no page is free for it. */
  openSession(): Session;
  /** Embedding rows of `tokens`: `tokens.length` x `width`, f32. */
  embed(tokens: Uint32Array): Promise<Float32Array>;
  /**
   * Runs the given layers over the batch.
   *
   * When it rejects, the sessions hold the positions that they held before.
   *
   * @param hidden rows x width; it is read, never kept or changed, but must not be changed meanwhile
   * @param signal stops the pass at a boundary between two slices of work
   * @returns rows x width; NaN or infinity is an error ("not-a-number") that names the layer
   * @throws the signal's reason when it aborts
   */
  forward(
    layers: LayerRange,
    batch: Batch,
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array>;
  /**
   * `embed` and `forward` in one round trip, where the executor can: the bits are theirs.
   *
   * @param call as `forward` takes it; the embedding and layer 0 must be held
   */
  forwardTokens?(call: TokensCall): Promise<Float32Array>;
  /** Final norm and output matrix over `hidden` (rows x width): rows x vocabularySize logits. */
  head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array>;
  /** KV pages in use and in all, and the bytes of one. */
  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number };
  /** Digests, where the executor makes them. */
  readonly digests?: ExecutorDigests;
  /** Frees the memory; outstanding sessions become unusable. */
  close(): void;
}

/** One session's part of a step: tokens that follow what it holds. */
export interface StepEntry {
  readonly session: Session;
  /** At least one; they take the positions from `session.positionCount` on. */
  readonly tokens: Uint32Array;
  /** Of which of them the logits are wanted. */
  readonly logits: "none" | "last" | "all";
}

/** How a session begins. */
export interface SessionOptions {
  /**
   * Tokens that the session is going to compute: positions whose keys and values are still known
   * from an earlier session are taken over, whole pages, and never the last token.
   */
  readonly prefix?: Uint32Array;
  /**
   * Instead of a prefix: links of its whole pages, 32 B each. Who gives them answers for what is found
   * under them, so they must be made such that nobody else's pages have the same.
   */
  readonly links?: Uint8Array;
  /** Layers that it is going to compute, where they are not all that are held. */
  readonly layers?: LayerRange;
  /**
   * Monotonic time after which nobody wants what it computes: told to other nodes that compute for it.
   * Who asks ends the call by its signal.
   */
  readonly dueMs?: number;
}

/** What the prefix cache has done since the model was loaded. */
export interface PrefixCounters {
  /** Positions that sessions took over, and that they asked for. */
  readonly hitPositions: number;
  readonly askedPositions: number;
  /** Pages that are held for nobody but the cache, and how many were given up for room. */
  readonly heldPages: number;
  readonly evictedPages: number;
}

/** An executor that holds a whole model: one call from tokens to logits. */
export interface ModelExecutor extends Executor {
  /** Threads that compute, at least 1. */
  readonly threadCount: number;
  /**
   * Settles when nothing can be computed any more: with nothing after `close`, with an error of
   * code "thread-died" when the model must be loaded again. Sessions are lost then.
   */
  readonly closed: Promise<EngineError | undefined>;
  openSession(options?: SessionOptions): Session;
  /**
   * Embeds, runs all layers and the head over a ragged batch, in one round trip.
   *
   * Bits are those of `embed`, `forward` and `head`. When it rejects, the sessions hold the
   * positions that they held before.
   *
   * @param entries at most one of each session
   * @param signal stops the step at the next layer
   * @returns the wanted rows, entry after entry: rows x vocabularySize logits
   * @throws the signal's reason when it aborts
   */
  step(entries: readonly StepEntry[], signal?: AbortSignal): Promise<Float32Array>;
  /**
   * One embedding for each text, pooled as the family says, of length 1 (L2).
   *
   * @returns texts x width
   * @throws {EngineError} "not-held" for a model that has no pooling
   */
  encode(texts: readonly Uint32Array[], signal?: AbortSignal): Promise<Float32Array>;
  prefixCounters(): PrefixCounters;
}
