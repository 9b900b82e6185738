// Goal: whatever the depth, a long prompt that joins eight decoders leaves the 99th percentile of
// their gaps below twice what it was, and comes on. Method: virtual time, in which computing takes what
// was measured of real models with one thread, give or take a seeded tenth. What is timed without the
// prompt has a long pause now and then, which is not to be mistaken for what others are used to.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isLong } from "../../_long.ts";
import { presetShape } from "../../../bench/models/presets.ts";
import type { StepEntry } from "../../../src/engine/mod.ts";
import { Batcher } from "../../../src/services/inference/batcher.ts";
import type { BatchMember } from "../../../src/services/inference/batch_member.ts";
import { VirtualClock } from "../../../src/sim/mod.ts";
import { FakeExecutor } from "./_fake_executor.ts";

/** What a layer and a step take. */
interface Costs {
  readonly size: "15m" | "110m";
  /** Milliseconds of a step of eight decoders. */
  readonly decodingMs: number;
  /** Milliseconds of a row in a layer, at the beginning of a prompt. */
  readonly rowMs: number;
  /** Milliseconds of a position that a row sees in a layer. */
  readonly positionMs: number;
  /** Rows that reading the positions costs as much as. */
  readonly sharedRows: number;
}

const measured: readonly Costs[] = [
  { size: "15m", decodingMs: 12.25, rowMs: 0.06, positionMs: 66e-6, sharedRows: 4.7 },
  { size: "110m", decodingMs: 46, rowMs: 0.21, positionMs: 161e-6, sharedRows: 3.8 },
];
const callMs = 0.1;
const pauseMs = 40;
/** Of so many steps of decoders alone one pauses. */
const pausedEvery = 37;
/** Milliseconds in which a decoder chooses its next token. */
const choosingMs = 1.5;
const windowTokens = 256;
/** Tokens of prompts are told from those of decoders by their size. */
const promptToken = 1000;

/** Depths at whose ends is measured. */
const depths = [512, 1024, 2048, 4096, 8192, 16_384, 24_576, 32_000];

function layerMs(costs: Costs, firstPosition: number, rows: number): number {
  const seen = (rows + costs.sharedRows) * (firstPosition + rows / 2);
  return callMs + rows * costs.rowMs + seen * costs.positionMs;
}

/** Numbers from 0 to 1, the same at each run. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

interface Gaps {
  readonly alone: number[];
  readonly beside: number[];
  besideMs: number;
}

/** Runs a prompt to 32k, beside decoders at the end of each depth, else fast and alone. */
async function run(clock: VirtualClock, costs: Costs, seed: number): Promise<Gaps[]> {
  const shape = presetShape(costs.size);
  const random = createRandom(seed);
  let [aloneSteps, isPaused] = [0, false];
  const stepMs = (entries: readonly StepEntry[]): number => {
    const prompts = entries.filter(({ tokens }) => (tokens[0] ?? 0) >= promptToken);
    const promptMs = prompts.reduce(
      (sum, { session, tokens }) =>
        sum + shape.layerCount * layerMs(costs, session.positionCount, tokens.length),
      0,
    );
    // What is computed while nobody decodes is not looked at.
    if (isFilling) return 1;
    const hasDecoders = entries.length > prompts.length;
    if (hasDecoders) isPaused = prompts.length === 0 && ++aloneSteps % pausedEvery === 0;
    const ms = (hasDecoders ? costs.decodingMs : 0) + promptMs;
    return ms * (0.9 + 0.2 * random()) + (hasDecoders && isPaused ? pauseMs : 0);
  };
  let isFilling = true;
  const executor = new FakeExecutor({ clock, shape, stepMs });
  const batcher = new Batcher({ executor, clock, promptChunk: 256 });
  const member = batcher.join(new AbortController().signal);
  const all: Gaps[] = [];
  for (const depth of depths) {
    isFilling = true;
    await member.compute(promptOf(depth - windowTokens - member.tokens.length));
    isFilling = false;
    all.push(await measure(clock, { batcher, member, isPaused: () => isPaused }));
  }
  return all;
}

function promptOf(count: number): Uint32Array {
  return new Uint32Array(count).fill(promptToken);
}

async function measure(
  clock: VirtualClock,
  options: {
    readonly batcher: Batcher;
    readonly member: BatchMember;
    readonly isPaused: () => boolean;
  },
): Promise<Gaps> {
  const { batcher, member, isPaused } = options;
  const stop = new AbortController();
  const gaps: Gaps = { alone: [], beside: [], besideMs: 0 };
  let into: number[] = [];
  const decode = async (): Promise<void> => {
    const decoder = batcher.join(stop.signal);
    for (let lastMs = NaN;;) {
      await decoder.compute([1]);
      const nowMs = clock.monotonicMs();
      // A pause itself is the machine's, not the prompt's.
      if (lastMs > 0 && !isPaused()) into.push(nowMs - lastMs);
      lastMs = nowMs;
      await clock.sleep(choosingMs);
    }
  };
  const ended = Promise.allSettled(Array.from({ length: 8 }, decode));
  await clock.sleep(200);
  into = gaps.alone;
  await clock.sleep(2500);
  into = gaps.beside;
  const beganMs = clock.monotonicMs();
  await member.compute(promptOf(windowTokens));
  gaps.besideMs = clock.monotonicMs() - beganMs;
  stop.abort();
  await ended;
  return gaps;
}

function p99(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * 0.99)] ?? NaN;
}

for (const costs of measured) {
  test(`A prompt of 32k joins eight decoders of a ${costs.size} model: p99 below twice, at all depths`, async () => {
    for (const seed of isLong ? [1, 2] : [1]) {
      const clock = new VirtualClock();
      let isDone = false;
      const running = run(clock, costs, seed).finally(() => void (isDone = true));
      while (!isDone) await clock.advance(10);
      for (const [i, { alone, beside, besideMs }] of (await running).entries()) {
        const depth = depths[i] ?? NaN;
        const ratio = p99(beside) / p99(alone);
        const { layerCount } = presetShape(costs.size);
        const aloneMs = layerCount * layerMs(costs, depth - windowTokens, windowTokens);
        const what = `at ${depth}, seed ${seed}: ${ratio} times, at ${aloneMs / besideMs} of speed`;
        assert.ok(alone.length > 300 && beside.length >= 8, what);
        assert.ok(ratio < 2, what);
        assert.ok(aloneMs / besideMs > (depth > 8192 ? 0.04 : 0.1), what);
      }
    }
  });
}
