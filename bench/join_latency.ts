/**
 * What do eight running answers notice when a long prompt joins them?
 *
 *     deno run -A bench/join_latency.ts [--size 15m|110m|1b] [--prompt TOKENS] [--decoders COUNT]
 *         [--gaps COUNT] [--threads COUNT] [--step]
 *
 * The same with `node`, 24 or later. It writes a random Q8_0 model with room for the prompt to a
 * temporary folder, lets the decoders run alone for a number of gaps, beside the prompt until its
 * first token, and alone again, and prints the gaps between tokens of one decoder: their median, their 99th
 * percentile and the ratio to alone, which is to stay below 2. Gaps beside the prompt are also told
 * apart by its depth. `--step` prints every tenth part as it is reached.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { createSampler, loadExecutor, type ModelExecutor } from "../src/engine/mod.ts";
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
    gaps: { type: "string", default: "200" },
    threads: { type: "string", default: "" },
    step: { type: "boolean", default: false },
  },
});
const promptTokens = Number(values.prompt);
const decoderCount = Number(values.decoders);
const gapCount = Number(values.gaps);
/** Positions of a decoder, about, before another takes its place. */
const decoderContextMax = 256;
/** Parts of the prompt whose gaps are told apart. */
const parts = 8;

if (!isModelSize(values.size)) throw new RangeError(`no size is called ${values.size}`);
const shape = { ...presetShape(values.size), contextMax: 32_768 };
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
  rmSync(directory, { recursive: true, force: true });
}

async function measure(executor: ModelExecutor): Promise<void> {
  const clock = realClock();
  const batcher = new Batcher({ executor, clock, promptChunk: 256 });
  const stop = new AbortController();
  const gaps: number[][] = Array.from({ length: parts + 1 }, () => []);
  let into = gaps[0];
  const watched = (gapMs: number): void => void into?.push(gapMs);
  const running = Array.from(
    { length: decoderCount },
    (_, i) =>
      decode(batcher, {
        first: i + 10,
        signal: stop.signal,
        watched: i === 0 ? watched : undefined,
      }),
  );
  while ((gaps[0]?.length ?? 0) < gapCount + 20) await clock.sleep(20);
  const alone = gaps[0]?.slice(20) ?? [];
  const began = clock.monotonicMs();
  const member = batcher.join(stop.signal);
  const tokens = Uint32Array.from({ length: promptTokens }, (_, i) => 300 + (i * 7919) % 31_000);
  const joining = member.compute(tokens);
  let done = false;
  const finish = (): void => void (done = true);
  joining.then(finish, finish);
  while (!done) {
    const part = 1 + Math.min(parts - 1, Math.floor(member.positionCount / promptTokens * parts));
    if (into !== gaps[part]) {
      if (values.step) print(`at ${member.positionCount}`, into ?? [], alone);
      into = gaps[part];
    }
    await clock.sleep(5);
  }
  const seconds = (clock.monotonicMs() - began) / 1000;
  member.leave();
  const after: number[] = [];
  into = after;
  while (after.length < gapCount) await clock.sleep(20);
  stop.abort();
  await Promise.allSettled([...running, joining]);
  const runtime = "deno" in process.versions ? `deno ${process.versions["deno"]}` : process.version;
  console.log(
    `${values.size}, ${executor.threadCount} threads, ${runtime}: ${decoderCount} decoders, ` +
      `a prompt of ${promptTokens} tokens joins and takes ${seconds.toFixed(1)} s`,
  );
  // The machine may have changed meanwhile: alone is before and after.
  const before = [...alone];
  alone.push(...after);
  print("alone before", before, alone);
  print("alone after", after, alone);
  for (let part = 1; part <= parts; part++) {
    print(`up to ${Math.round(promptTokens * part / parts)}`, gaps[part] ?? [], alone);
  }
  print("beside the prompt", gaps.slice(1).flat(), alone);
}

/** Samples until the signal aborts; a new sequence takes over now and then, so that depth is even. */
async function decode(
  batcher: Batcher,
  options: {
    readonly first: number;
    readonly signal: AbortSignal;
    readonly watched: ((gapMs: number) => void) | undefined;
  },
): Promise<void> {
  const { first, signal, watched } = options;
  const clock = realClock();
  const sampler = createSampler({ vocabularySize: 32_000, seed: first, temperature: 1 });
  for (;;) {
    const sequence = new Sequence({ batcher, speculate: 0, contextMax: 32_768, signal });
    let next = Uint32Array.from({ length: 16 }, (_, i) => 300 + first * 100 + i);
    let lastMs = NaN;
    for (let position = 16; position < decoderContextMax + first * 8; position++) {
      const logits = await sequence.extend(next);
      const nowMs = clock.monotonicMs();
      if (position > 16) watched?.(nowMs - lastMs);
      lastMs = nowMs;
      next = Uint32Array.of(sampler.sample(logits, { position }));
    }
    sequence.close();
  }
}

function print(what: string, gaps: readonly number[], alone: readonly number[]): void {
  const [median, p99] = [percentile(gaps, 0.5), percentile(gaps, 0.99)];
  const [medianAlone, p99Alone] = [percentile(alone, 0.5), percentile(alone, 0.99)];
  console.log(
    `${what.padEnd(18)} ${String(gaps.length).padStart(6)} gaps, median ${median.toFixed(1)} ms ` +
      `(${(median / medianAlone).toFixed(2)}x), p99 ${p99.toFixed(1)} ms ` +
      `(${(p99 / p99Alone).toFixed(2)}x)`,
  );
}

function percentile(values: readonly number[], share: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * share)] ?? NaN;
}
