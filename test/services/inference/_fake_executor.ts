/**
 * An executor whose logits tell what was computed: how many tokens came before, and a digest of them.
 * Steps take the virtual time that a test says; pages are counted as the real ones are.
 */
import { EngineError } from "../../../src/engine/mod.ts";
import type { Batch, ModelExecutor, Session, StepEntry } from "../../../src/engine/mod.ts";
import { plainFamily } from "../../../src/model/mod.ts";
import type { ModelShape } from "../../../src/model/mod.ts";
import type { VirtualClock } from "../../../src/sim/mod.ts";

/** Columns of a row of logits. */
export const fakeVocabulary = 2;

/** A small model's extents: a row at position 75 costs twice what the first does. */
export const fakeShape: ModelShape = {
  architecture: "llama",
  layerCount: 8,
  width: 64,
  ffnWidth: 256,
  headCount: 16,
  kvHeadCount: 16,
  headWidth: 16,
  ropeWidth: 16,
  normEpsilon: 1e-5,
  vocabularySize: fakeVocabulary,
  contextMax: 1 << 20,
  tiedOutput: false,
  family: plainFamily({ layerCount: 8, headWidth: 16 }),
};

/** What a test may say. */
export interface FakeOptions {
  readonly clock: VirtualClock;
  /** Milliseconds of a step. @default 1 */
  readonly stepMs?: (entries: readonly StepEntry[]) => number;
  /** Extents to plan by; the vocabulary stays. @default fakeShape */
  readonly shape?: ModelShape;
  /** Pages in all. @default without limit */
  readonly pageCount?: number;
  /** What a step with these entries fails with, if it does. */
  readonly failure?: (entries: readonly StepEntry[]) => Error | undefined;
}

/** The logits after `tokens`. */
export function fakeLogits(tokens: readonly number[]): number[] {
  let sum = 1;
  for (const token of tokens) sum = (Math.imul(sum, 31) + token) | 0;
  return [tokens.length, sum >>> 9];
}

class FakeSession implements Session {
  readonly tokens: number[] = [];
  /** Layers that rows have passed whose last layer is yet to come. */
  layer = 0;
  dropped = false;

  get positionCount(): number {
    if (this.dropped) {
      throw new EngineError({ code: "closed", message: "Cannot use a dropped session" });
    }
    return this.tokens.length;
  }

  truncate(count: number): void {
    if (count > this.positionCount) throw new RangeError("Cannot truncate to more than there is");
    this.tokens.length = count;
    this.layer = 0;
  }

  fork(): Session {
    throw new RangeError("Cannot fork a fake session as no test does");
  }

  drop(): void {
    this.dropped = true;
  }
}

/** The executor, and what it was asked. */
export class FakeExecutor implements ModelExecutor {
  readonly shape: ModelShape;
  readonly numericClass = "fake/1";
  readonly contextMax = fakeShape.contextMax;
  readonly layers: { readonly from: number; readonly to: number };
  readonly threadCount = 1;
  readonly closed = new Promise<undefined>(() => {});
  /** Tokens of each session's part, by step. */
  readonly steps: number[][] = [];
  readonly #options: FakeOptions;
  readonly #sessions: FakeSession[] = [];
  #isComputing = false;
  #isClosed = false;

  constructor(options: FakeOptions) {
    this.#options = options;
    this.shape = { ...(options.shape ?? fakeShape), vocabularySize: fakeVocabulary };
    this.layers = { from: 0, to: this.shape.layerCount };
  }

  openSession(): Session {
    const { used, total } = this.pages();
    if (total > 0 && used >= total) throw noMemory();
    const session = new FakeSession();
    this.#sessions.push(session);
    return session;
  }

  async step(entries: readonly StepEntry[], signal?: AbortSignal): Promise<Float32Array> {
    if (new Set(entries.map((one) => one.session)).size < entries.length) {
      throw new TypeError("Cannot compute a session twice in a step");
    }
    if (entries.some((one) => (one.session as FakeSession).layer > 0)) {
      throw new RangeError("Cannot step as rows are between two layers");
    }
    this.steps.push(entries.map(({ tokens }) => tokens.length));
    await this.#run(entries, { share: 1, signal });
    return this.#compute(entries);
  }

  async #run(
    entries: readonly StepEntry[],
    options: { readonly share: number; readonly signal: AbortSignal | undefined },
  ): Promise<void> {
    if (this.#isComputing) throw new TypeError("Cannot compute two steps at once");
    this.#isComputing = true;
    try {
      const { clock, stepMs, failure } = this.#options;
      await clock.sleep(options.share * (stepMs?.(entries) ?? 1), options.signal);
      const error = failure?.(entries);
      if (error !== undefined) throw error;
    } finally {
      this.#isComputing = false;
    }
  }

  pages(): { readonly used: number; readonly total: number; readonly pageBytes: number } {
    if (this.#isClosed) {
      throw new EngineError({ code: "closed", message: "Cannot use a closed executor" });
    }
    const open = this.#sessions.filter((one) => !one.dropped);
    const used = open.reduce((sum, one) => sum + Math.ceil(one.tokens.length / 32), 0);
    return { used, total: this.#options.pageCount ?? 0, pageBytes: 1 };
  }

  prefixCounters(): ReturnType<ModelExecutor["prefixCounters"]> {
    return { hitPositions: 0, askedPositions: 0, heldPages: 0, evictedPages: 0 };
  }

  embed(tokens: Uint32Array): Promise<Float32Array> {
    const { width } = this.shape;
    const hidden = new Float32Array(tokens.length * width);
    tokens.forEach((token, row) => hidden[row * width] = token);
    return Promise.resolve(hidden);
  }

  /** Only what one sequence's rows need; the last layer puts the logits into the hidden state. */
  async forward(
    layers: { readonly from: number; readonly to: number },
    batch: Batch,
    hidden: Float32Array,
    signal?: AbortSignal,
  ): Promise<Float32Array> {
    const { width, layerCount } = this.shape;
    const [entry] = batch;
    const session = entry?.session as FakeSession;
    const tokens = Uint32Array.from(
      { length: entry?.positionCount ?? 0 },
      (_, row) => hidden[row * width] ?? 0,
    );
    if (layers.from !== session.layer || entry?.firstPosition !== session.positionCount) {
      throw new RangeError("Cannot run layers as others are to come first");
    }
    const part = [{ session, tokens, logits: "none" as const }];
    await this.#run(part, { share: (layers.to - layers.from) / layerCount, signal });
    session.layer = layers.to % layerCount;
    const result = hidden.slice();
    if (session.layer > 0) return result;
    const rows = this.#compute([{ session, tokens, logits: "all" }]);
    tokens.forEach((_, row) => {
      result.set(rows.subarray(row * fakeVocabulary, (row + 1) * fakeVocabulary), row * width);
    });
    return result;
  }

  head(hidden: Float32Array): Promise<Float32Array> {
    return Promise.resolve(hidden.slice(0, fakeVocabulary));
  }

  encode(): Promise<Float32Array> {
    return Promise.reject(new TypeError("Not asked for"));
  }

  close(): void {
    this.#isClosed = true;
  }

  #compute(entries: readonly StepEntry[]): Float32Array {
    const sessions = entries.map(({ session }) => session as FakeSession);
    const before = sessions.map((one) => one.positionCount);
    const rows: number[] = [];
    entries.forEach(({ tokens, logits }, i) => {
      const session = sessions[i];
      tokens.forEach((token, at) => {
        session?.tokens.push(token);
        const isWanted = logits === "all" || (logits === "last" && at === tokens.length - 1);
        if (isWanted) rows.push(...fakeLogits(session?.tokens ?? []));
      });
    });
    const { used, total } = this.pages();
    if (total > 0 && used > total) {
      sessions.forEach((one, i) => one.tokens.length = before[i] ?? 0);
      throw noMemory();
    }
    return Float32Array.from(rows);
  }
}

function noMemory(): EngineError {
  return new EngineError({ code: "no-memory", message: "Cannot take a page as none is free" });
}

/** Lets virtual time pass until `work` settles. */
export async function drive<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false;
  const done = (): void => void (settled = true);
  work.then(done, done);
  for (let i = 0; i < 1_000_000 && !settled; i++) await clock.advance(0.25);
  return await work;
}
