/**
 * Checks an answer by computing it once more: one pass over prompt and answer together, which costs
 * far less than generating it did, since the answer's tokens are known.
 *
 * Numbers are compared by their digests, with no tolerance: the numeric class says every bit.
 */
import { Blake3 } from "../hot/mod.ts";
import type { Executor } from "../engine/mod.ts";
import { ReceiptError } from "./errors.ts";
import { LeafTree } from "./leaf_tree.ts";
import { positionsOf } from "./receipt.ts";
import type { OpenReceipt } from "./receipt.ts";
import type { Span, StageStatement } from "./stage_statement.ts";
import type { Transcript } from "./transcript.ts";

/** What the pass needs. */
export interface RecomputeOptions {
  readonly receipt: OpenReceipt;
  readonly transcript: Transcript;
  /** Holds the whole model that the receipt names, in the class that it names. */
  readonly executor: Executor;
  /** The token that the settings choose at `index` of the answer, given the answer before it. */
  readonly choose: (logits: Float32Array, index: number) => number;
  /** Positions of one pass over the weights at most. @default 128 */
  readonly chunkPositions?: number;
  readonly signal?: AbortSignal;
  /** Told after each pass. */
  readonly onProgress?: (positions: number, total: number) => void;
}

/** What each stage should have signed. */
export interface StageTruth {
  readonly input: LeafTree;
  readonly output: LeafTree;
  /** Of the last stage, where it has the head. */
  readonly logits: LeafTree;
}

/** The truth about an answer. */
export interface Truth {
  readonly stages: readonly StageTruth[];
  /** Index of the first token of the answer that the settings do not choose, and what they choose. */
  readonly wrongToken: { readonly index: number; readonly chosen: number } | undefined;
  readonly positions: number;
}

/** Rows of logits that are held at once. */
const headRowsMax = 16;

/**
 * Computes what honest parties would have signed.
 *
 * @throws {EngineError} when the model can't be computed
 * @throws {ReceiptError} "mismatch" when a token is none of the model's
 * @throws the signal's reason when it aborts
 */
export async function recompute(options: RecomputeOptions): Promise<Truth> {
  const { receipt: { request, stages }, chunkPositions: chunkMax = 128, onProgress } = options;
  const total = positionsOf(request);
  // Even chunks: a few positions that are left over cost a pass over the weights of their own.
  const chunkPositions = Math.ceil(total / Math.ceil(total / chunkMax));
  checkTokens(options);
  const pass = new Pass(options);
  try {
    for (let from = 0; from < total; from += chunkPositions) {
      const to = Math.min(total, from + chunkPositions);
      await pass.compute(from, to);
      onProgress?.(to, total);
    }
  } finally {
    pass.end();
  }
  return { stages: pass.truths.slice(0, stages.length), wrongToken: pass.wrong, positions: total };
}

/** A stage's work, or all of it where no stage signed. */
type Work = Pick<StageStatement, "embedding" | "layers" | "positions" | "logits">;

class Pass {
  readonly truths: readonly StageTruth[];
  wrong: Truth["wrongToken"];
  readonly #options: RecomputeOptions;
  readonly #tokens: Uint32Array;
  readonly #works: readonly Work[];
  readonly #blake3 = new Blake3();
  readonly #session: ReturnType<Executor["openSession"]>;

  constructor(options: RecomputeOptions) {
    this.#options = options;
    const { receipt: { request, stages }, transcript, executor } = options;
    const end = positionsOf(request);
    this.#tokens = Uint32Array.from([...transcript.promptTokens, ...transcript.outputTokens])
      .subarray(0, end);
    const layers = { from: 0, to: executor.shape.layerCount };
    const none = { from: end, to: end };
    const all: Work = { embedding: true, layers, positions: none, logits: undefined };
    this.#works = stages.length === 0 ? [all] : stages;
    this.truths = this.#works.map(() => ({
      input: new LeafTree(),
      output: new LeafTree(),
      logits: new LeafTree(),
    }));
    this.#session = executor.openSession();
  }

  async compute(from: number, to: number): Promise<void> {
    const { executor } = this.#options;
    const tokens = this.#tokens.subarray(from, to);
    let hidden = await executor.embed(tokens);
    // Where no stage has the embedding, the requester gave the first one rows.
    let digests = this.#works[0]?.embedding === true
      ? this.#digestsOf(new Uint8Array(tokens.slice().buffer), 4)
      : this.#digestsOf(hidden, 4 * executor.shape.width);
    for (const [i, work] of this.#works.entries()) {
      const { input, output } = this.truths[i] ?? noTruth;
      input.append(kept(digests, from, work.positions));
      ({ hidden, digests } = await this.#stage(work, { from, to, hidden }));
      output.append(kept(digests, from, work.positions));
    }
    await this.#head({ from, to, hidden });
  }

  end(): void {
    this.#session.drop();
  }

  async #stage(
    { layers }: Work,
    rows: { readonly from: number; readonly to: number; readonly hidden: Float32Array },
  ): Promise<{ readonly hidden: Float32Array; readonly digests: Uint8Array }> {
    const { executor, signal } = this.#options;
    const { from, to, hidden } = rows;
    const rowBytes = 4 * executor.shape.width;
    if (layers.from === layers.to) return { hidden, digests: this.#digestsOf(hidden, rowBytes) };
    const session = this.#session;
    const batch = [{ session, firstPosition: from, positionCount: to - from }];
    if (executor.digests !== undefined) {
      const call = { layers, batch, hidden, ...(signal === undefined ? {} : { signal }) };
      return await executor.digests.forward(call);
    }
    const out = await executor.forward(layers, batch, hidden, signal);
    return { hidden: out, digests: this.#digestsOf(out, rowBytes) };
  }

  /** The rows that tokens of the answer were drawn from. */
  async #head(
    { from, to, hidden }: {
      readonly from: number;
      readonly to: number;
      readonly hidden: Float32Array;
    },
  ): Promise<void> {
    const { executor, receipt: { request }, signal } = this.#options;
    if (request.outputTokens === 0) return;
    const { width, vocabularySize } = executor.shape;
    const signed = this.#works.at(-1)?.logits;
    const tree = this.truths.at(-1)?.logits;
    const first = Math.max(from, request.promptTokens - 1);
    for (let at = first; at < to; at += headRowsMax) {
      const end = Math.min(to, at + headRowsMax);
      const rows = hidden.slice((at - from) * width, (end - from) * width);
      const logits = await executor.head(rows, signal);
      if (signed !== undefined && end > signed.from) {
        tree?.append(kept(this.#digestsOf(logits, 4 * vocabularySize), at, signed));
      }
      for (let position = at; position < end; position++) {
        const row = (position - at) * vocabularySize;
        this.#judge(logits.subarray(row, row + vocabularySize), position);
      }
    }
  }

  #judge(logits: Float32Array, position: number): void {
    if (this.wrong !== undefined) return;
    const { choose, receipt: { request }, transcript } = this.#options;
    const index = position - request.promptTokens + 1;
    const chosen = choose(logits, index);
    if (chosen !== transcript.outputTokens[index]) this.wrong = { index, chosen };
  }

  #digestsOf(rows: ArrayBufferView, rowBytes: number): Uint8Array {
    const data = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
    const count = data.length / rowBytes;
    const out = new Uint8Array(32 * count);
    for (let i = 0; i < count; i++) {
      this.#blake3.hashInto(data.subarray(i * rowBytes, (i + 1) * rowBytes), out, 32 * i);
    }
    return out;
  }
}

function checkTokens({ transcript, executor: { shape } }: RecomputeOptions): void {
  const { promptTokens, outputTokens } = transcript;
  for (const tokens of [promptTokens, outputTokens]) {
    const bad = tokens.find((token) => token >= shape.vocabularySize);
    if (bad === undefined) continue;
    throw new ReceiptError({
      code: "mismatch",
      message: `Cannot accept the receipt as the requester signed for token ${bad} and the ` +
        `model's are below ${shape.vocabularySize}`,
    });
  }
}

const noTruth: StageTruth = {
  input: new LeafTree(),
  output: new LeafTree(),
  logits: new LeafTree(),
};

/** Of digests of the positions from `first` on, those that the stage signed for. */
function kept(digests: Uint8Array, first: number, { from, to }: Span): Uint8Array {
  return digests.subarray(32 * Math.max(0, from - first), 32 * Math.max(0, to - first));
}
