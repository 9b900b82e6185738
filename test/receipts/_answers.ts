/** Answers that are made over a mesh in memory, their receipts and what a check says of them. */
import { createSampler } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { encodeHex } from "../../src/hot/mod.ts";
import {
  checkTranscript,
  collectReceipt,
  judge,
  openReceipt,
  recompute,
} from "../../src/receipts/mod.ts";
import type { Receipt, Transcript, Verdict } from "../../src/receipts/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import type { PipelineExecutor } from "../../src/stages/mod.ts";
import { clusterRoot } from "../stages/_cluster.ts";
import type { Cluster } from "../stages/_cluster.ts";

/** A session of a pipeline. */
export type PipelineSession = ReturnType<PipelineExecutor["openSession"]>;

/** An answer that is being made. */
export class Writer {
  readonly tokens: number[];
  readonly promptTokens: number[];
  readonly seed: number;
  readonly session: PipelineSession;
  readonly request: string;
  readonly #random: SeededRandom;
  readonly #size: number;
  #drafts: number[] = [];

  constructor(pipeline: PipelineExecutor, seed: number, promptTokens: number[]) {
    this.#random = new SeededRandom(seed);
    this.#size = pipeline.shape.vocabularySize;
    this.promptTokens = promptTokens;
    this.tokens = [...promptTokens];
    this.seed = seed;
    this.request = encodeHex(this.#random.fill(new Uint8Array(32)));
    this.session = pipeline.openSession({ prefix: Uint32Array.from(promptTokens) });
  }

  /** What it wants computed: what is not yet, and some guesses, most of them wrong. */
  entry(): { session: PipelineSession; tokens: Uint32Array; logits: "last" | "all" } {
    const pending = this.tokens.slice(this.session.positionCount);
    this.#drafts = pending.length > 1
      ? []
      : Array.from({ length: this.#random.below(4) }, () => this.#random.below(this.#size));
    return {
      session: this.session,
      tokens: Uint32Array.from([...pending, ...this.#drafts]),
      logits: pending.length > 1 ? "last" : "all",
    };
  }

  /** Chooses as the sampler does, as far as the guesses were right. */
  take(logits: Float32Array): void {
    const sampler = createSampler({ vocabularySize: this.#size, seed: this.seed });
    for (let row = 0;; row++) {
      const at = logits.subarray(row * this.#size, (row + 1) * this.#size);
      const token = sampler.sample(at, { position: this.tokens.length });
      this.tokens.push(token);
      if (this.#drafts[row] !== token) break;
    }
    const known = this.tokens.length - 1;
    if (this.session.positionCount > known) this.session.truncate(known);
  }

  transcript(): Transcript {
    return {
      kind: "skep-transcript/1",
      salt: "5a".repeat(32),
      promptTokens: this.promptTokens,
      outputTokens: this.tokens.slice(this.promptTokens.length),
      constraint: null,
    };
  }
}

/** Writes answers side by side; `before` is called before each step. */
export async function write(
  pipeline: PipelineExecutor,
  writers: readonly Writer[],
  { steps = 8, before = () => {} }: {
    steps?: number;
    before?: (step: number) => void | Promise<void>;
  } = {},
): Promise<void> {
  for (let step = 0; step < steps; step++) {
    await before(step);
    const entries = writers.map((writer) => writer.entry());
    const logits = await pipeline.step(entries);
    let row = 0;
    for (const [i, writer] of writers.entries()) {
      const entry = entries[i];
      const rows = entry?.logits === "all" ? entry.tokens.length : 1;
      const { vocabularySize } = pipeline.shape;
      writer.take(logits.subarray(row * vocabularySize, (row + rows) * vocabularySize));
      row += rows;
    }
  }
}

/** Has the stages of an answer sign, as node 0. */
export async function receiptOf(
  cluster: Cluster,
  writer: Writer,
  renewed: ReadonlyMap<string, string> = new Map(),
): Promise<Receipt> {
  const { identity: signer, mesh, witness } = cluster.node(0);
  const peers = writer.session.places.map(({ peer }) => peer);
  return await collectReceipt({
    request: writer.request,
    payer: mesh.self,
    root: clusterRoot,
    numericClass: "skep-q8a/1",
    layerCount: 5,
    transcript: writer.transcript(),
    seed: writer.seed,
    sampling: { temperature: 1 },
    ...{ maxTokens: 100, contextMax: 256 },
    stages: { session: writer.session.id, peers, renewed },
  }, { signer, mesh, witness, clock: cluster.clock });
}

/** What one pass over an answer says of its receipt. */
export async function verdictOf(
  receipt: Receipt,
  writer: Pick<Writer, "transcript">,
  executor: ModelExecutor,
): Promise<Verdict> {
  const opened = openReceipt(receipt, 5);
  const transcript = writer.transcript();
  checkTranscript(transcript, opened.request);
  const { vocabularySize } = executor.shape;
  const sampler = createSampler({ vocabularySize, seed: opened.request.seed });
  const choose = (logits: Float32Array, index: number): number =>
    sampler.sample(logits, { position: transcript.promptTokens.length + index });
  return judge(opened, await recompute({ receipt: opened, transcript, executor, choose }));
}

/** Tokens of a prompt. */
export function promptOf(seed: number, length: number): number[] {
  const random = new SeededRandom(seed);
  return Array.from({ length }, () => random.below(500));
}
