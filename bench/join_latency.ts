/**
 * What do running answers notice when a long prompt joins them?
 *
 *     deno run -A bench/join_latency.ts [--size 15m|110m|1b] [--prompt TOKENS] [--decoders COUNT]
 *         [--gaps COUNT] [--parts COUNT] [--threads COUNT]
 *
 * The same with `node`, 24 or later. It writes a random Q8_0 model with a context of 32768 to a
 * temporary folder. At several depths of the prompt it measures the time between two tokens of one
 * of the decoders, in turns alone and beside a piece of the prompt, so that a machine that others use
 * treats both alike; what lies between is computed alone. It prints medians, 99th percentiles and
 * ratios, those of the percentiles to be below 2, and how fast the piece of the prompt was computed
 * in comparison to as many tokens alone, just before.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { createSampler, loadExecutor } from "../src/engine/mod.ts";
import type { ModelExecutor } from "../src/engine/mod.ts";
import { fileSource, openGguf, readModelShape } from "../src/model/mod.ts";
import { realClock, realDisk } from "../src/ports/mod.ts";
import { Batcher } from "../src/services/inference/batcher.ts";
import { Sequence } from "../src/services/inference/sequence.ts";
import { writeRandomModel } from "./models/gguf_writer.ts";
import { isModelSize, presetShape } from "./models/presets.ts";

const { values } = parseArgs({
  options: {
    size: { type: "string", default: "15m" },
    prompt: { type: "string", default: "32000" },
    decoders: { type: "string", default: "8" },
    gaps: { type: "string", default: "100" },
    threads: { type: "string", default: "" },
    parts: { type: "string", default: "8" },
  },
});
const promptTokens = Number(values.prompt);
const decoderCount = Number(values.decoders);
const gapCount = Number(values.gaps);
/** Depths at which is measured. */
const parts = Number(values.parts);
/** Tokens of the prompt that are computed beside the decoders at each depth, and at a time. */
const windowTokens = 256;
const pieceTokens = 32;
const clock = realClock();

async function measure(executor: ModelExecutor): Promise<void> {
  const batcher = new Batcher({ executor, clock, promptChunk: 256 });
  const member = batcher.join(new AbortController().signal);
  const tokens = Uint32Array.from({ length: promptTokens }, (_, i) => 300 + (i * 7919) % 31_000);
  const all: Gaps = { alone: [], beside: [] };
  for (let part = 1; part <= parts; part++) {
    let [aloneMs, aloneTokens, besideMs] = [0, 0, 0];
    const end = Math.floor(promptTokens * part / parts);
    const start = Math.max(member.tokens.length, end - windowTokens);
    for (const until of [start - windowTokens, start]) {
      const from = member.tokens.length;
      const beganMs = clock.monotonicMs();
      if (until > from) await member.compute(tokens.subarray(from, until));
      aloneMs = clock.monotonicMs() - beganMs;
      aloneTokens = Math.max(0, until - from);
    }
    // Fresh ones at each depth, so that their own depth stays small and no start of one is timed.
    const decoders = new Decoders(batcher);
    const gaps: Gaps = { alone: [], beside: [] };
    await decoders.collect([], 20);
    for (let from = start; from < end; from += pieceTokens) {
      await decoders.collect(gaps.alone, Math.ceil(gapCount * pieceTokens / windowTokens));
      decoders.into = gaps.beside;
      const beganMs = clock.monotonicMs();
      await member.compute(tokens.subarray(from, Math.min(end, from + pieceTokens)));
      besideMs += clock.monotonicMs() - beganMs;
    }
    await decoders.stop();
    print(`at ${end}`, gaps);
    const beside = (end - start) / besideMs * 1000;
    printPrompt(beside, aloneTokens === 0 ? undefined : aloneTokens / aloneMs * 1000);
    all.alone.push(...gaps.alone);
    all.beside.push(...gaps.beside);
  }
  const runtime = "deno" in process.versions ? `deno ${process.versions["deno"]}` : process.version;
  print(`${values.size}, ${executor.threadCount} threads, ${runtime}`, all);
  member.leave();
}

/** A prompt that is shorter than two windows leaves none to compute alone, at the first depth at least. */
function printPrompt(beside: number, alone: number | undefined): void {
  const what = `${beside.toFixed(1)} tokens of the prompt a second`;
  console.log(
    alone === undefined
      ? `  ${what} (alone not measured: the prompt has less than two windows of ${windowTokens} here)`
      : `  ${alone.toFixed(1)} -> ${what} (${(100 * beside / alone).toFixed(0)} % of alone)`,
  );
}

interface Gaps {
  readonly alone: number[];
  readonly beside: number[];
}

/** Sequences that go on until they are stopped, of which one is watched. */
class Decoders {
  /** Where the watched one's gaps go. */
  into: number[] = [];
  readonly #batcher: Batcher;
  readonly #stop = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(batcher: Batcher) {
    this.#batcher = batcher;
    this.#ended = Promise.allSettled(
      Array.from({ length: decoderCount }, (_, i) => this.#decode(i)),
    );
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  /** Waits until so many more gaps have gone into `gaps`. */
  async collect(gaps: number[], count: number): Promise<void> {
    this.into = gaps;
    for (const enough = gaps.length + count; gaps.length < enough;) await clock.sleep(2);
  }

  async #decode(index: number): Promise<void> {
    const sampler = createSampler({ vocabularySize: 32_000, seed: index, temperature: 1 });
    const [batcher, signal] = [this.#batcher, this.#stop.signal];
    const sequence = new Sequence({ batcher, speculate: 0, contextMax: 32_768, signal });
    let next = Uint32Array.from({ length: 16 }, (_, i) => 300 + index * 100 + i);
    let lastMs = NaN;
    for (let position = 16; !signal.aborted; position++) {
      const logits = await sequence.extend(next);
      const nowMs = clock.monotonicMs();
      if (index === 0 && position > 16) this.into.push(nowMs - lastMs);
      lastMs = nowMs;
      next = Uint32Array.of(sampler.sample(logits, { position }));
    }
    sequence.close();
  }
}

function print(what: string, { alone, beside }: Gaps): void {
  const [one, two] = [0.5, 0.99].map((share) => {
    const [without, along] = [percentile(alone, share), percentile(beside, share)];
    return `${without.toFixed(1)} -> ${along.toFixed(1)} ms (${(along / without).toFixed(2)}x)`;
  });
  console.log(`${what}: ${alone.length} + ${beside.length} gaps, median ${one}, p99 ${two}`);
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}

if (!isModelSize(values.size)) throw new RangeError(`no size is called ${values.size}`);
const shape = { ...presetShape(values.size), contextMax: 32_768 };
// Neither the ports' timers nor an idle executor keep Node's process.
const alive = setInterval(() => {}, 1000);
const directory = mkdtempSync(join(tmpdir(), "skep-latency-"));
try {
  const path = join(directory, `${values.size}.gguf`);
  writeRandomModel({ shape, type: "q8_0", seed: 1, path });
  const source = await fileSource(realDisk(), path);
  const file = await openGguf(source);
  const executor = await loadExecutor({
    file,
    source,
    shape: readModelShape(file),
    ...(values.threads === "" ? {} : { threads: Number(values.threads) }),
  });
  await source.close();
  await measure(executor);
  executor.close();
} finally {
  clearInterval(alive);
  rmSync(directory, { recursive: true, force: true });
}
