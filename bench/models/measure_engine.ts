/**
 * How fast does the executor prefill and decode one model on this machine and runtime?
 *
 *     deno run -A bench/models/measure_engine.ts MODEL.gguf [DECODE_TOKENS] [THREADS]
 *
 * The same with `node`, 24 or later. It prints one line: medians, and a digest of the work, which
 * must be equal wherever it runs. Expect hundreds of tokens a second for 15M parameters, tens for
 * 110M; a ratio against a peer needs both in one run.
 */
import process from "node:process";
import { blake3 } from "hash-wasm";
import { createSampler, loadExecutor, probeMode } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { fileSource, openGguf, readModelShape } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";

const prefillTokens = 128;
const prefillRounds = 3;

const [path, decodeTokens = "100", threads] = process.argv.slice(2);
if (path === undefined) {
  console.error("usage: measure_engine.ts MODEL.gguf [DECODE_TOKENS] [THREADS]");
  process.exit(2);
}
const source = await fileSource(realDisk(), path);
const file = await openGguf(source);
const started = performance.now();
const executor = await loadExecutor({
  file,
  source,
  shape: readModelShape(file),
  ...(threads === undefined ? {} : { threads: Number(threads) }),
});
const loadMs = performance.now() - started;
await source.close();
const prefillMs = await prefill(executor);
const { stepMs, digest } = await decode(executor, Number(decodeTokens));
const runtime = "deno" in process.versions ? `deno ${process.versions["deno"]}` : process.version;
console.log(
  `${file.name} ${runtime} ${process.arch} probe ${probeMode()}:`,
  `${executor.threadCount} threads,`,
  `load ${loadMs.toFixed(0)} ms (${(file.sizeBytes / loadMs / 1e6).toFixed(2)} GB/s),`,
  `prefill of ${prefillTokens} ${(1000 * prefillTokens / prefillMs).toFixed(0)} tokens/s,`,
  `decode ${(1000 / stepMs).toFixed(0)} tokens/s (medians), digest ${digest.slice(0, 16)},`,
  `${(process.memoryUsage().rss / 1e6).toFixed(0)} MB resident`,
);
executor.close();

async function prefill(executor: ModelExecutor): Promise<number> {
  const { vocabularySize } = executor.shape;
  const tokens = Uint32Array.from(
    { length: prefillTokens },
    (_, i) => i === 0 ? 1 : (i * 7919) % vocabularySize,
  );
  const times: number[] = [];
  for (let round = 0; round < prefillRounds; round++) {
    const session = executor.openSession();
    const before = performance.now();
    await executor.step([{ session, tokens, logits: "last" }]);
    times.push(performance.now() - before);
    session.drop();
  }
  return median(times);
}

async function decode(
  executor: ModelExecutor,
  count: number,
): Promise<{ readonly stepMs: number; readonly digest: string }> {
  const { vocabularySize } = executor.shape;
  const sampler = createSampler({ vocabularySize, seed: 0, temperature: 0 });
  const session = executor.openSession();
  const times: number[] = [];
  let logits: Float32Array = new Float32Array();
  let token = 1;
  for (let position = 0; position < count; position++) {
    const before = performance.now();
    logits = await executor.step([{ session, tokens: Uint32Array.of(token), logits: "last" }]);
    token = sampler.sample(logits, { position: position + 1 });
    times.push(performance.now() - before);
  }
  return { stepMs: median(times), digest: await blake3(new Uint8Array(logits.buffer)) };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}
