/**
 * A requester and its stages, each with a key, who generate an answer and sign for it: honestly, or
 * altered before signing.
 */
import { createSampler } from "../../src/engine/mod.ts";
import type { Executor, LayerRange, ModelExecutor, Session } from "../../src/engine/mod.ts";
import { Blake3, encodeHex } from "../../src/hot/mod.ts";
import { identityFromSeed } from "../../src/identity/mod.ts";
import type { Identity } from "../../src/identity/mod.ts";
import {
  commitmentsOf,
  LeafTree,
  openingDigest,
  openReceipt,
  signStageStatement,
  signStatement,
  stagesDigest,
} from "../../src/receipts/mod.ts";
import type {
  Opening,
  OpenReceipt,
  Receipt,
  RequestStatement,
  Transcript,
} from "../../src/receipts/mod.ts";
import type { SeededRandom } from "../../src/sim/mod.ts";

/** What may be altered, by whom. */
export type Alteration =
  /** A stage runs a layer twice, with another layer's weights, or not at all. */
  | "other-layer"
  | "skipped-layer"
  /** A stage computes with another file of the same model. */
  | "other-quantisation"
  /** A stage gives what it gave for the position before. */
  | "reused-activations"
  /** One bit of what a stage gives is another. */
  | "flipped-bit"
  /** A stage gives wrong numbers but signs for the right ones, and the next signs that it got those. */
  | "collusion"
  /** A stage gives wrong numbers but signs for the right ones. */
  | "signed-the-truth"
  /** The last stage gives wrong logits. */
  | "other-logits"
  /** The requester signs for another token than it used, at the end, or anywhere before it. */
  | "other-token"
  | "other-inner-token"
  /** The requester signs for another seed than it used, or another temperature. */
  | "other-seed"
  | "other-sampling"
  | "none";

/** All that changes an answer's numbers or tokens. */
export const alterations: readonly [Alteration, ...Alteration[]] = [
  "other-layer",
  "skipped-layer",
  "other-quantisation",
  "reused-activations",
  "flipped-bit",
  "collusion",
  "signed-the-truth",
  "other-logits",
  "other-token",
  "other-inner-token",
  "other-seed",
  "other-sampling",
];

/** What a stage may compute instead. */
const otherComputations = [
  "other-layer",
  "skipped-layer",
  "other-quantisation",
  "reused-activations",
  "flipped-bit",
] as const;

/** How an answer is made. */
export interface AnswerPlan {
  readonly executor: ModelExecutor;
  /** The same model in another file. */
  readonly other: ModelExecutor;
  readonly root: string;
  readonly random: SeededRandom;
  readonly alteration: Alteration;
  /** Tokens of the answer. @default 6 */
  readonly outputTokens?: number;
}

/** What came of it. */
export interface Answer {
  readonly receipt: Receipt;
  readonly opened: OpenReceipt;
  readonly transcript: Transcript;
  readonly sampling: { readonly seed: number; readonly temperature: number };
  /** Public keys of who altered something; empty where the alteration changed nothing. */
  readonly guilty: readonly string[];
  readonly leaves: readonly StageRecord[];
  /** The receipt, its request changed and signed for once more by the requester. */
  resign(change: Partial<RequestStatement>): Promise<Receipt>;
  /** The receipt, its request signed by somebody else as the requester. */
  steal(): Promise<Receipt>;
}

/** What a stage keeps of a session. */
export interface StageRecord {
  readonly input: LeafTree;
  readonly output: LeafTree;
  readonly logits: LeafTree;
}

const blake3 = new Blake3();

/** Makes an answer and its receipt. */
export async function answer(plan: AnswerPlan): Promise<Answer> {
  const { random } = plan;
  const cast = new Cast(plan);
  const { vocabularySize } = plan.executor.shape;
  const prompt = Array.from({ length: 2 + random.below(9) }, () => random.below(vocabularySize));
  const seed = random.below(2 ** 31);
  const temperature = random.pick([0.7, 1, 1.5]);
  const sampler = createSampler({ vocabularySize, seed, temperature });
  const tokens = [...prompt];
  const count = plan.outputTokens ?? 6;
  for (let i = 0; i < count; i++) {
    const from = i === 0 ? 0 : tokens.length - 1;
    const logits = await cast.compute(tokens.slice(from), from);
    tokens.push(sampler.sample(logits, { position: tokens.length }));
  }
  cast.close();
  const transcript: Transcript = {
    kind: "skep-transcript/1",
    salt: encodeHex(random.fill(new Uint8Array(32))),
    promptTokens: prompt,
    outputTokens: tokens.slice(prompt.length),
    constraint: null,
  };
  return await cast.sign(transcript, { seed, temperature });
}

/** The choice that the requester's settings make. */
export function chooser(
  answer: Pick<Answer, "opened">,
  transcript: Transcript,
  vocabularySize: number,
): (logits: Float32Array, index: number) => number {
  const { seed, sampling } = answer.opened.request;
  const temperature = Number(sampling["temperature"]);
  const sampler = createSampler({ vocabularySize, seed, temperature });
  const { length } = transcript.promptTokens;
  return (logits, index) => sampler.sample(logits, { position: length + index });
}

class Cast {
  readonly #plan: AnswerPlan;
  readonly #requester: Identity;
  readonly #stages: readonly Stage[];
  readonly #request: string;
  /** The stage that alters something, and from which position on. */
  readonly #culprit: number;
  readonly #from: number;
  /** What it computes instead. */
  readonly #how: (typeof otherComputations)[number] | undefined;
  #altered = false;

  constructor(plan: AnswerPlan) {
    this.#plan = plan;
    const { random, executor, alteration } = plan;
    const newKey = (): Identity => identityFromSeed(random.fill(new Uint8Array(32)));
    this.#requester = newKey();
    this.#request = encodeHex(random.fill(new Uint8Array(32)));
    const { layerCount } = executor.shape;
    const cuts = new Set([0, layerCount]);
    for (let i = random.below(4); i > 0; i--) cuts.add(random.below(layerCount + 1));
    const needsNext = alteration === "collusion" || alteration === "signed-the-truth";
    if (needsNext && cuts.size === 2) cuts.add(1 + random.below(layerCount - 1));
    const sorted = [...cuts].sort((a, b) => a - b);
    const ranges = sorted.slice(1).map((to, i) => ({ from: sorted[i] ?? 0, to }));
    this.#stages = ranges.map((layers) => new Stage(plan, { layers, identity: newKey() }));
    const last = this.#stages.length - 1;
    // Who signs for the right numbers needs somebody to give wrong ones to.
    this.#culprit = alteration === "other-logits"
      ? last
      : random.below(needsNext ? last : last + 1);
    this.#from = random.below(4);
    this.#how = needsNext
      ? random.pick(otherComputations)
      : otherComputations.find((how) => how === alteration);
  }

  /** The logits after the last token. */
  async compute(tokens: readonly number[], from: number): Promise<Float32Array> {
    const { executor } = this.#plan;
    const ids = Uint32Array.from(tokens);
    let hidden = await executor.embed(ids);
    let signedInput = digestsOf(new Uint8Array(ids.buffer), 4);
    for (const [i, stage] of this.#stages.entries()) {
      const right = await stage.compute(hidden, from);
      const given = i === this.#culprit ? await this.#alter(stage, { right, hidden, from }) : right;
      const changed = given !== right;
      this.#altered ||= changed;
      const digests = digestsOf(given, 4 * executor.shape.width);
      const truth = digestsOf(right, 4 * executor.shape.width);
      const { alteration } = this.#plan;
      const lies = changed && (alteration === "collusion" || alteration === "signed-the-truth");
      stage.record.input.append(signedInput);
      stage.record.output.append(lies ? truth : digests);
      signedInput = lies && alteration === "collusion" ? truth : digests;
      hidden = given;
    }
    const { width } = executor.shape;
    const logits = await executor.head(hidden.slice(-width));
    if (this.#plan.alteration === "other-logits" && from >= this.#from) {
      const at = this.#plan.random.below(logits.length);
      logits[at] = (logits[at] ?? 0) + 1;
      this.#altered = true;
    }
    this.#stages.at(-1)?.record.logits.append(digestsOf(logits, 4 * logits.length));
    return logits;
  }

  close(): void {
    for (const stage of this.#stages) stage.close();
  }

  async sign(
    transcript: Transcript,
    sampling: { readonly seed: number; readonly temperature: number },
  ): Promise<Answer> {
    const { alteration, random, executor } = this.#plan;
    let signed = transcript;
    const settings = { ...sampling };
    if (alteration === "other-token" || alteration === "other-inner-token") {
      const outputTokens = [...transcript.outputTokens];
      // The last token has no keys and values: nobody but the requester has signed for it.
      const last = outputTokens.length - 1;
      const at = alteration === "other-token" ? last : random.below(last);
      outputTokens[at] = ((outputTokens[at] ?? 0) + 1) % executor.shape.vocabularySize;
      signed = { ...transcript, outputTokens };
      this.#altered = true;
    }
    if (alteration === "other-seed") settings.seed = random.below(2 ** 31);
    if (alteration === "other-sampling") settings.temperature *= 3;
    const stages = await Promise.all(
      this.#stages.map((stage) => this.#signStage(stage, signed)),
    );
    const statement: RequestStatement = {
      kind: "skep-request/2",
      ...this.#opening(),
      promptTokens: signed.promptTokens.length,
      outputTokens: signed.outputTokens.length,
      ...commitmentsOf(signed),
      seed: settings.seed,
      sampling: { temperature: settings.temperature },
      maxTokens: signed.outputTokens.length,
      contextMax: executor.contextMax,
      stages: stagesDigest(stages),
      signedAtMs: 1,
    };
    const request = await signStatement(statement, this.#requester);
    const receipt: Receipt = { kind: "skep-receipt/2", request, stages };
    const opened = openReceipt(receipt, executor.shape.layerCount);
    const leaves = this.#stages.map(({ record }) => record);
    const byRequester = settings.seed !== sampling.seed ||
      settings.temperature !== sampling.temperature || signed !== transcript;
    return {
      receipt,
      opened,
      transcript: signed,
      sampling,
      guilty: byRequester ? [statement.requester] : this.#altered ? this.#guiltyStages() : [],
      leaves,
      resign: (change) => resigned(receipt, { ...statement, ...change }, this.#requester),
      steal: () => {
        const thief = identityFromSeed(random.fill(new Uint8Array(32)));
        return resigned(receipt, { ...statement, requester: encodeHex(thief.publicKey) }, thief);
      },
    };
  }

  #guiltyStages(): string[] {
    const { alteration } = this.#plan;
    const both = alteration === "collusion";
    return this.#stages.slice(this.#culprit, this.#culprit + (both ? 2 : 1))
      .map(({ identity }) => encodeHex(identity.publicKey));
  }

  #opening(): Opening {
    const requester = encodeHex(this.#requester.publicKey);
    const { root, executor } = this.#plan;
    return {
      request: this.#request,
      requester,
      payer: requester,
      root,
      class: executor.numericClass,
      session: this.#request.slice(0, 32),
    };
  }

  async #signStage(stage: Stage, transcript: Transcript): Promise<string> {
    const [first] = this.#stages;
    const isLast = stage === this.#stages.at(-1);
    const { input, output, logits } = stage.record;
    const end = input.count;
    return await signStageStatement({
      opening: openingDigest(this.#opening()),
      stage: encodeHex(stage.identity.publicKey),
      embedding: stage === first,
      layers: stage.layers,
      head: isLast,
      positions: { from: 0, to: end },
      inputRoot: encodeHex(input.root()),
      outputRoot: encodeHex(output.root()),
      logits: isLast
        ? { from: transcript.promptTokens.length - 1, to: end, root: encodeHex(logits.root()) }
        : undefined,
      serial: 1,
      signedAtMs: 1,
    }, stage.identity);
  }

  /** What the culprit gives in place of what it should. */
  async #alter(
    stage: Stage,
    rows: { readonly right: Float32Array; readonly hidden: Float32Array; readonly from: number },
  ): Promise<Float32Array> {
    const { alteration, random, executor: { shape: { width } } } = this.#plan;
    const { right, hidden, from } = rows;
    const how = this.#how;
    const count = right.length / width;
    if (how === undefined) return right;
    if (how !== "reused-activations" && how !== "flipped-bit") {
      return differing(await stage.computeOtherwise(hidden, { from, how }), right);
    }
    if (from + count <= this.#from) return right;
    const changed = right.slice();
    const row = Math.max(0, this.#from - from);
    if (how === "reused-activations") {
      const before = row === 0 ? stage.before : right.subarray((row - 1) * width, row * width);
      if (row + from === 0 || before === undefined) return right;
      changed.set(before, row * width);
      return differing(changed, right);
    }
    const words = new Uint32Array(changed.buffer);
    const at = row * width + random.below(width);
    // The next stage's sums would swallow a difference in the last place.
    words[at] = (words[at] ?? 0) ^ (alteration === "flipped-bit" ? 1 : 1 << 23);
    return changed;
  }
}

async function resigned(
  receipt: Receipt,
  statement: RequestStatement,
  by: Identity,
): Promise<Receipt> {
  return { ...receipt, request: await signStatement(statement, by) };
}

/** A stage: its layers, its key, its sessions and what it keeps. */
class Stage {
  readonly layers: LayerRange;
  readonly identity: Identity;
  readonly record: StageRecord = {
    input: new LeafTree(),
    output: new LeafTree(),
    logits: new LeafTree(),
  };
  /** The row that it gave last before the rows that it has just computed. */
  before: Float32Array | undefined;
  #last: Float32Array | undefined;
  readonly #plan: AnswerPlan;
  readonly #session: Session;
  readonly #otherSessions: readonly Session[];

  constructor(
    plan: AnswerPlan,
    { layers, identity }: { readonly layers: LayerRange; readonly identity: Identity },
  ) {
    this.#plan = plan;
    this.layers = layers;
    this.identity = identity;
    this.#session = plan.executor.openSession();
    this.#otherSessions = [plan.other, plan.executor, plan.executor].map((one) =>
      one.openSession()
    );
  }

  async compute(hidden: Float32Array, from: number): Promise<Float32Array> {
    const { executor } = this.#plan;
    const right = await forward(executor, {
      layers: this.layers,
      hidden,
      from,
      session: this.#session,
    });
    const { width } = executor.shape;
    this.before = this.#last;
    this.#last = right.slice(-width);
    return right;
  }

  /** With another file, without the last layer, or with the first layer in place of the last. */
  async computeOtherwise(
    hidden: Float32Array,
    { from, how }: { readonly from: number; readonly how: (typeof otherComputations)[number] },
  ): Promise<Float32Array> {
    const { executor, other } = this.#plan;
    const [otherFile, without, again] = this.#otherSessions;
    if (otherFile === undefined || without === undefined || again === undefined) return hidden;
    if (how === "other-quantisation") {
      const at = { layers: this.layers, hidden, from: otherFile.positionCount, session: otherFile };
      return from === otherFile.positionCount ? await forward(other, at) : hidden;
    }
    const { from: first, to } = this.layers;
    const shorter = { from: first, to: to - 1 };
    const shorterRows = shorter.from === shorter.to
      ? hidden
      : await forward(executor, { layers: shorter, hidden, from, session: without });
    if (how === "skipped-layer") return shorterRows;
    const layer = first === 0 && to === 1 ? 1 : first === to - 1 ? 0 : first;
    const layers = { from: layer, to: layer + 1 };
    return await forward(executor, { layers, hidden: shorterRows, from, session: again });
  }

  close(): void {
    for (const session of [this.#session, ...this.#otherSessions]) session.drop();
  }
}

function forward(
  executor: Executor,
  call: {
    readonly layers: LayerRange;
    readonly hidden: Float32Array;
    readonly from: number;
    readonly session: Session;
  },
): Promise<Float32Array> {
  const positionCount = call.hidden.length / executor.shape.width;
  const batch = [{ session: call.session, firstPosition: call.from, positionCount }];
  return executor.forward(call.layers, batch, call.hidden);
}

/** The other rows, or the very same where nothing differs. */
function differing(other: Float32Array, right: Float32Array): Float32Array {
  const a = new Uint32Array(other.slice().buffer);
  const b = new Uint32Array(right.slice().buffer);
  return a.every((word, i) => word === b[i]) ? right : other;
}

function digestsOf(rows: ArrayBufferView, rowBytes: number): Uint8Array {
  const data = new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength);
  const out = new Uint8Array(32 * data.length / rowBytes);
  for (let i = 0; i < data.length / rowBytes; i++) {
    blake3.hashInto(data.subarray(i * rowBytes, (i + 1) * rowBytes), out, 32 * i);
  }
  return out;
}
