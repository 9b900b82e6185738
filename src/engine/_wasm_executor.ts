/**
 * The executor's face over threads, memory and sessions: checks calls, gives them turns, and keeps
 * the sessions' counts.
 */
import type { ModelShape } from "../model/mod.ts";
import { checkedRows, checkForward, checkPositions, checkStep, checkTokens } from "./_checks.ts";
import type { ExecutorParts } from "./_executor_parts.ts";
import { embeddingsOf, textGroups } from "./_encode.ts";
import { PagePool } from "./_pages.ts";
import { AbortListener } from "../hot/mod.ts";
import { Pass } from "./_pass.ts";
import type { LayersCall, Span, StepCall } from "./_pass.ts";
import { PagedSession } from "./_session.ts";
import type { SessionHome } from "./_session.ts";
import { dropped, noPooling, notHeld } from "./_refusals.ts";
import { spansOf, stepCall } from "./_step_call.ts";
import type { TokenSpan } from "./_step_call.ts";
import { digestTokens } from "./_token_digests.ts";
import { Turns } from "./_turns.ts";
import { EngineError } from "./errors.ts";
import type {
  Batch,
  ExecutorDigests,
  LayerRange,
  ModelExecutor,
  PrefixCounters,
  SessionOptions,
  StepEntry,
  TokensCall,
} from "./face.ts";
import { numericClassOf } from "./numeric_class.ts";
import { PrefixCache } from "./prefix_cache.ts";
import { tokenChainSeed } from "./token_blocks.ts";

/** An executor whose weights are loaded. */
export class WasmExecutor implements ModelExecutor {
  readonly shape: ModelShape;
  readonly numericClass: string;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly threadCount: number;
  readonly closed: Promise<EngineError | undefined>;
  readonly digests: ExecutorDigests;
  readonly #turns = new Turns();
  readonly #aborts = new AbortListener();
  readonly #home: SessionHome;
  readonly #prefixes: PrefixCache;
  /** Undefined once closed, so that the memory can go while sessions are still referred to. */
  #parts: ExecutorParts | undefined;

  constructor(parts: ExecutorParts) {
    const { shape, layout, memory, layers, threads } = parts;
    this.shape = shape;
    this.numericClass = numericClassOf(parts.keyValueType);
    this.contextMax = parts.contextMax;
    this.layers = layers;
    this.threadCount = threads.count;
    this.closed = threads.closed;
    this.#parts = parts;
    const pool = new PagePool(memory, layout);
    const { root = "0".repeat(64) } = parts;
    this.#prefixes = new PrefixCache(
      pool,
      tokenChainSeed({ numericClass: this.numericClass, root }),
    );
    this.#home = {
      layers,
      pool,
      // An encoder's keys and values depend on what follows, so nobody may take them over.
      prefixes: shape.family.causal ? this.#prefixes : undefined,
      assertOpen: (): void => void this.#open(),
      stop: (): void => this.#parts?.threads.stop(),
    };
    this.digests = {
      forward: async (call) => {
        const digests = new Uint8Array(Math.ceil(call.hidden.length / shape.width) * 32);
        const forward = (): Promise<Float32Array> =>
          this.#forward({ ...call, input: call.hidden, digests }, call.signal);
        return { hidden: await this.#turns.take(forward), digests };
      },
      tokenBlocks: (tokens, options) =>
        digestTokens({ ...this.#open(), threads: this.threadCount }, tokens, options),
    };
  }

  openSession(options: SessionOptions = {}): PagedSession {
    this.#open();
    const session = PagedSession.open(this.#home, options);
    try {
      this.#home.pool.reserve(1);
      return session;
    } catch (thrown) {
      session.drop();
      throw thrown;
    }
  }

  prefixCounters(): PrefixCounters {
    return this.#prefixes.counters();
  }

  embed(tokens: Uint32Array): Promise<Float32Array> {
    return this.#turns.take(() => {
      if (this.#open().layout.embedding === undefined) throw notHeld("the embedding");
      checkTokens(tokens, this.shape.vocabularySize);
      checkPositions(tokens.length, this.shape);
      return this.#pass({}, (pass) => pass.embed(tokens));
    });
  }

  // tidy: allow positional-parameters as the face has them
  forward(
    layers: LayerRange,
    batch: Batch,
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    return this.#turns.take(() => this.#forward({ layers, batch, input: hidden }, signal));
  }

  forwardTokens({ layers, batch, tokens, signal }: TokensCall): Promise<Float32Array> {
    return this.#turns.take(() => {
      if (layers.from !== 0 || !this.#open().layout.embedding) throw notHeld("the embedding");
      checkTokens(tokens, this.shape.vocabularySize);
      return this.#forward({ layers, batch, input: tokens }, signal);
    });
  }

  head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#turns.take(() => {
      if (this.#open().layout.headMatrix === undefined) throw notHeld("the head");
      signal?.throwIfAborted();
      checkedRows(hidden, this.shape.width);
      return this.#pass({ signal }, (pass) => pass.head(hidden));
    });
  }

  step(entries: readonly StepEntry[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#turns.take(() => this.#step(entries, signal));
  }

  encode(texts: readonly Uint32Array[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#turns.take(() => this.#encode(texts, signal));
  }

  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    const { used, total, pageBytes } = this.#home.pool;
    return { used, total, pageBytes };
  }

  close(): void {
    this.#parts?.threads.close();
    this.#parts = undefined;
    this.#home.pool.close();
  }

  /** Ends one thread as a crash would, for tests. */
  killThread(thread: number): void {
    this.#open().threads.kill(thread);
  }

  async #forward(
    call: Omit<LayersCall, "spans"> & { readonly batch: Batch },
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    this.#open();
    signal?.throwIfAborted();
    const { layers, input } = call;
    const spans = call.batch.map((entry) => {
      const session = PagedSession.of(entry.session, this.#home);
      return { ...entry, session, counts: session.counts };
    });
    const { shape, contextMax } = this;
    const hidden = { length: input.length * (input instanceof Uint32Array ? shape.width : 1) };
    checkForward({ shape, contextMax, held: this.layers, layers, entries: spans, hidden });
    const result = await this.#write(
      { spans, layers, signal },
      (pass) => pass.layers({ ...call, spans }),
    );
    for (const { session, firstPosition, tokens, links } of spans) {
      if (tokens !== undefined) session.learn(firstPosition, { tokens, sure: tokens.length });
      else if (links !== undefined) session.learnLinks(links);
    }
    return result;
  }

  async #step(
    entries: readonly StepEntry[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { result, spans } = await this.#tokens(
      entries,
      signal,
      (pass, call) => pass.step(call),
    );
    for (const { session, firstPosition, tokens, logits } of spans) {
      // Who wants all logits may yet take back what came after the first token.
      session.learn(firstPosition, { tokens, sure: logits === "all" ? 1 : tokens.length });
    }
    return result;
  }

  /** Runs a pass over tokens that follow what their sessions hold. */
  async #tokens(
    entries: readonly StepEntry[],
    signal: AbortSignal | undefined,
    run: (pass: Pass, call: StepCall) => Promise<Float32Array>,
  ): Promise<{ readonly result: Float32Array; readonly spans: readonly TokenSpan[] }> {
    const { layout } = this.#open();
    signal?.throwIfAborted();
    const { shape, contextMax, layers } = this;
    if (layout.embedding === undefined) throw notHeld("the embedding");
    if (layout.headMatrix === undefined && entries.some(({ logits }) => logits !== "none")) {
      throw notHeld("the head");
    }
    const spans = spansOf(entries, this.#home);
    checkStep({ shape, contextMax, held: layers, entries: spans });
    const all = { from: 0, to: shape.layerCount };
    const call = stepCall(spans);
    const result = await this.#write({ spans, layers: all, signal }, (pass) => run(pass, call));
    return { result, spans };
  }

  async #encode(
    texts: readonly Uint32Array[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { layout: { scratch } } = this.#open();
    const { shape } = this;
    if (shape.family.pooling === undefined) throw noPooling();
    const result = new Float32Array(texts.length * shape.width);
    let done = 0;
    const { pool } = this.#home;
    const limits = { rowsMax: scratch.chunkRows, pagesMax: pool.total - pool.used };
    for (const group of textGroups(texts, limits)) {
      const entries = group.map((tokens) => {
        const session = this.openSession();
        return { session, tokens, logits: "none" } as const;
      });
      try {
        const { result: hidden } = await this.#tokens(
          entries,
          signal,
          (pass, call) => pass.encode(call),
        );
        result.set(embeddingsOf(group, hidden, shape), done * shape.width);
        done += group.length;
      } finally {
        for (const { session } of entries) session.drop();
      }
    }
    return result;
  }

  /** Runs a pass that writes positions: all sessions hold them when it has ended well. */
  async #write(
    call: {
      readonly spans: readonly Span[];
      readonly layers: LayerRange;
      readonly signal: AbortSignal | undefined;
    },
    run: (pass: Pass) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const { spans, layers, signal } = call;
    this.#home.pool.reserve(spans.reduce(
      (sum, span) => sum + span.session.pagesNeeded(span.firstPosition, span.positionCount),
      0,
    ));
    for (const { session, firstPosition, positionCount } of spans) {
      session.enter(firstPosition, positionCount);
    }
    try {
      const result = await this.#pass({ spans, signal }, run);
      for (const { session, firstPosition, positionCount } of spans) {
        if (!session.isLeaving) session.counts.set(layers, firstPosition + positionCount);
      }
      return result;
    } finally {
      for (const { session } of spans) session.leave();
    }
  }

  async #pass(
    call: { readonly spans?: readonly Span[]; readonly signal?: AbortSignal | undefined },
    run: (pass: Pass) => Promise<Float32Array>,
  ): Promise<Float32Array> {
    const { spans = [], signal } = call;
    const { threads } = this.#open();
    const assertGoing = (): void => {
      this.#open();
      signal?.throwIfAborted();
      if (spans.some(({ session }) => session.isLeaving)) throw dropped();
    };
    const release = this.#aborts.attend(signal, () => threads.stop());
    try {
      return await run(new Pass({ ...this.#open(), home: this.#open().program, assertGoing }));
    } finally {
      release();
    }
  }

  #open(): ExecutorParts {
    if (this.#parts !== undefined) return this.#parts;
    throw new EngineError({
      code: "closed",
      message: "Cannot use the executor as it was closed",
    });
  }
}
