/**
 * An executor of several memories: parts that each hold a run of layers, as one.
 *
 * A call passes through the parts in order; hidden states go from one to the next as the face's
 * rows, so bits are those of one memory. One call at a time.
 */
import type { ModelShape } from "../model/mod.ts";
import { ChainedSession } from "./_chained_session.ts";
import { checkForward, checkStep } from "./_checks.ts";
import { embeddingsOf } from "./_encode.ts";
import { noPooling, notHeld } from "./_refusals.ts";
import type { PagedSession } from "./_session.ts";
import { rowsOf } from "./_step_call.ts";
import { Turns } from "./_turns.ts";
import type { WasmExecutor } from "./_wasm_executor.ts";
import type { EngineError } from "./errors.ts";
import type {
  BatchEntry,
  DigestedCall,
  DigestedRows,
  ExecutorDigests,
  LayerRange,
  ModelExecutor,
  PrefixCounters,
  Session,
  SessionOptions,
  StepEntry,
} from "./face.ts";

/** What an entry is once its session is known. */
type ChainedEntry = Omit<BatchEntry, "session"> & { readonly session: ChainedSession };

/** Whether the first part can embed, and the last compute logits. */
export interface ChainEnds {
  readonly embedding: boolean;
  readonly head: boolean;
}

/** Parts of one model, as one executor. */
export class ChainedExecutor implements ModelExecutor {
  readonly shape: ModelShape;
  readonly numericClass: string;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly threadCount: number;
  readonly closed: Promise<EngineError | undefined>;
  readonly digests: ExecutorDigests;
  readonly #turns = new Turns();
  readonly #parts: readonly WasmExecutor[];
  readonly #ranges: readonly LayerRange[];
  readonly #first: WasmExecutor;
  readonly #last: WasmExecutor;

  readonly #held: ChainEnds;
  #reason: EngineError | undefined;

  /** @param parts at least one, in the order of their layers */
  constructor(parts: readonly [WasmExecutor, ...WasmExecutor[]], held: ChainEnds) {
    const first = parts[0];
    const last = parts.at(-1) ?? first;
    this.shape = first.shape;
    this.numericClass = first.numericClass;
    this.threadCount = first.threadCount;
    this.contextMax = Math.min(...parts.map(({ contextMax }) => contextMax));
    this.layers = { from: first.layers.from, to: last.layers.to };
    this.#parts = parts;
    this.#held = held;
    this.#ranges = parts.map(({ layers }) => layers);
    this.#first = first;
    this.#last = last;
    // One part alone is of no use.
    this.closed = Promise.race(parts.map(({ closed }) => closed)).then((reason) => {
      this.#reason = reason;
      this.close();
      return reason;
    });
    this.digests = {
      forward: (call) => this.#take(() => this.#forward(call, "digests")),
      tokenBlocks: (tokens, options) => first.digests.tokenBlocks(tokens, options),
    };
  }

  openSession(options: SessionOptions = {}): Session {
    const opened: PagedSession[] = [];
    try {
      for (const part of this.#parts) {
        opened.push(part.openSession({ ...options, layers: within(options.layers, part.layers) }));
      }
    } catch (thrown) {
      for (const session of opened) session.drop();
      throw thrown;
    }
    const session = new ChainedSession(opened, this.#ranges);
    const held = session.positionCount;
    for (const part of opened) part.truncate(held);
    return session;
  }

  embed(tokens: Uint32Array): Promise<Float32Array> {
    return this.#take(() => this.#first.embed(tokens));
  }

  // tidy: allow positional-parameters as the face has them
  forward(
    layers: LayerRange,
    batch: readonly BatchEntry[],
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const call = { layers, batch, hidden, ...(signal === undefined ? {} : { signal }) };
    return this.#take(async () => (await this.#forward(call)).hidden);
  }

  head(hidden: Float32Array, signal?: AbortSignal): Promise<Float32Array> {
    return this.#take(() => this.#last.head(hidden, signal));
  }

  step(entries: readonly StepEntry[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#take(() => this.#step(entries, signal));
  }

  encode(texts: readonly Uint32Array[], signal?: AbortSignal): Promise<Float32Array> {
    return this.#take(() => this.#encode(texts, signal));
  }

  prefixCounters(): PrefixCounters {
    const all = this.#parts.map((part) => part.prefixCounters());
    return {
      hitPositions: Math.min(...all.map(({ hitPositions }) => hitPositions)),
      askedPositions: Math.min(...all.map(({ askedPositions }) => askedPositions)),
      heldPages: Math.max(...all.map(({ heldPages }) => heldPages)),
      evictedPages: Math.max(...all.map(({ evictedPages }) => evictedPages)),
    };
  }

  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    const all = this.#parts.map((part) => part.pages());
    return {
      used: Math.max(...all.map(({ used }) => used)),
      total: Math.min(...all.map(({ total }) => total)),
      pageBytes: all.reduce((sum, { pageBytes }) => sum + pageBytes, 0),
    };
  }

  close(): void {
    for (const part of this.#parts) part.close();
  }

  /** Gives a call its turn; when a part is gone, that is why it fails. */
  #take<T>(call: () => Promise<T>): Promise<T> {
    return this.#turns.take(async () => {
      try {
        if (this.#reason !== undefined) throw this.#reason;
        return await call();
      } catch (thrown) {
        throw this.#reason ?? thrown;
      }
    });
  }

  async #forward(call: DigestedCall, digests?: "digests"): Promise<DigestedRows> {
    call.signal?.throwIfAborted();
    const { layers, hidden } = call;
    const entries = call.batch.map((entry) => {
      const session = ChainedSession.of(entry.session, this.#ranges);
      return { ...entry, session, counts: session.counts };
    });
    const { shape, contextMax } = this;
    checkForward({ shape, contextMax, held: this.layers, layers, entries, hidden });
    const rows = await holding(layers, entries, () => this.#chain(call, entries, digests));
    for (const { session, firstPosition, tokens, links } of entries) {
      if (tokens !== undefined) learn(session, { firstPosition, tokens, sure: tokens.length });
      else if (links !== undefined) { for (const part of session.parts) part.learnLinks(links); }
    }
    return rows;
  }

  /** Runs the parts one after the other, within `holding`. */
  async #chain(
    { layers, hidden, signal }: DigestedCall,
    entries: readonly ChainedEntry[],
    digests?: "digests",
  ): Promise<DigestedRows> {
    let rows: DigestedRows = { hidden, digests: new Uint8Array() };
    for (const [index, part] of this.#parts.entries()) {
      const from = Math.max(layers.from, part.layers.from);
      const to = Math.min(layers.to, part.layers.to);
      if (from >= to) continue;
      rows = await forwardPart(part, {
        layers: { from, to },
        batch: entries.map(({ session, firstPosition, positionCount }) => {
          return { session: partOf(session, index), firstPosition, positionCount };
        }),
        hidden: rows.hidden,
        ...(signal === undefined ? {} : { signal }),
      }, digests !== undefined && to === layers.to);
    }
    return rows;
  }

  async #step(
    entries: readonly StepEntry[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    signal?.throwIfAborted();
    const { shape, contextMax, layers } = this;
    if (!this.#held.embedding) throw notHeld("the embedding");
    if (!this.#held.head && entries.some(({ logits }) => logits !== "none")) {
      throw notHeld("the head");
    }
    const spans = entries.map((entry) => {
      const session = ChainedSession.of(entry.session, this.#ranges);
      const { positionCount: firstPosition, counts } = session;
      return { ...entry, session, counts, firstPosition, positionCount: entry.tokens.length };
    });
    checkStep({ shape, contextMax, held: layers, entries: spans });
    const { tokens, logitRows } = rowsOf(spans);
    const logits = await holding(layers, spans, async () => {
      const hidden = await this.#first.embed(tokens);
      const call = { layers, batch: spans, hidden, ...(signal === undefined ? {} : { signal }) };
      const { hidden: result } = await this.#chain(call, spans);
      return await this.#logits(result, logitRows, signal);
    });
    for (const { session, firstPosition, tokens, logits } of spans) {
      learn(session, { firstPosition, tokens, sure: logits === "all" ? 1 : tokens.length });
    }
    return logits;
  }

  #logits(
    hidden: Float32Array,
    rows: readonly number[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { width } = this.shape;
    if (rows.length === 0) return Promise.resolve(new Float32Array());
    const wanted = new Float32Array(rows.length * width);
    rows.forEach((row, i) =>
      wanted.set(hidden.subarray(row * width, (row + 1) * width), i * width)
    );
    return this.#last.head(wanted, signal);
  }

  async #encode(
    texts: readonly Uint32Array[],
    signal: AbortSignal | undefined,
  ): Promise<Float32Array> {
    const { width, family } = this.shape;
    if (family.pooling === undefined) throw noPooling();
    const result = new Float32Array(texts.length * width);
    for (const [i, tokens] of texts.entries()) {
      const session = this.openSession();
      try {
        const batch = [{ session, firstPosition: 0, positionCount: tokens.length }];
        const hidden = await this.#first.embed(tokens);
        const call = { layers: this.layers, batch, hidden };
        const rows = await this.#forward({ ...call, ...(signal === undefined ? {} : { signal }) });
        result.set(embeddingsOf([tokens], rows.hidden, this.shape), i * width);
      } finally {
        session.drop();
      }
    }
    return result;
  }
}

/** Keeps sessions to a call until it ends; when it fails, the parts forget what it wrote. */
// tidy: allow positional-parameters as the call reads best at the end
async function holding<T>(
  layers: LayerRange,
  entries: readonly ChainedEntry[],
  call: () => Promise<T>,
): Promise<T> {
  for (const { session } of entries) session.isComputing = true;
  try {
    return await call();
  } catch (thrown) {
    for (const { session, firstPosition } of entries) session.forget(layers, firstPosition);
    throw thrown;
  } finally {
    for (const { session } of entries) session.isComputing = false;
  }
}

/** Tells the parts what positions were computed from; see `PagedSession.learn`. */
function learn(
  { parts }: ChainedSession,
  options: { readonly firstPosition: number; readonly tokens: Uint32Array; readonly sure: number },
): void {
  for (const part of parts) part.learn(options.firstPosition, options);
}

/** Layers of a part that a session is going to compute; perhaps none. */
function within(layers: LayerRange | undefined, { from, to }: LayerRange): LayerRange {
  const first = Math.min(to, Math.max(from, layers?.from ?? from));
  return { from: first, to: Math.max(first, Math.min(to, layers?.to ?? to)) };
}

function partOf(session: ChainedSession, index: number): PagedSession {
  const part = session.parts[index];
  if (part !== undefined) return part;
  throw new RangeError(
    `Cannot find part ${index} of the session as it has ${session.parts.length}`,
  );
}

async function forwardPart(
  part: WasmExecutor,
  call: DigestedCall,
  digests: boolean,
): Promise<DigestedRows> {
  if (digests) return await part.digests.forward(call);
  const hidden = await part.forward(call.layers, call.batch, call.hidden, call.signal);
  return { hidden, digests: new Uint8Array() };
}
