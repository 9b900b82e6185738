/** Our executor as a contender: `run_skep.ts`, under Deno or Node, see protocol.ts. */
import process from "node:process";
import { createInterface } from "node:readline";
import { createSampler, loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import { fileSource, openGguf, readModelShape } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { answerLines, promptToken } from "./protocol.ts";
import type { Answer, Ask } from "./protocol.ts";

/** The context that is asked for, as of the peers. */
const contextMax = 512;

let executor: ModelExecutor | undefined;

async function answer(ask: Ask): Promise<Answer> {
  if (ask.op === "load") return await load(ask);
  if (executor === undefined) throw new TypeError("Cannot compute as nothing is loaded");
  const work = { prefill, decode, verify }[ask.op];
  return await work(executor, ask.count);
}

async function load({ path, threads, touched }: Ask & { op: "load" }): Promise<Answer> {
  const began = performance.now();
  const source = await fileSource(realDisk(), path);
  const file = await openGguf(source);
  executor = await loadExecutor({
    file,
    source,
    shape: readModelShape(file),
    contextMax,
    threads,
  });
  const ms = performance.now() - began;
  await source.close();
  if (touched) await prefill(executor, contextMax - 1);
  const pages = Math.ceil(contextMax / 32) * executor.pages().pageBytes;
  let weights = 0;
  for (const { sizeBytes } of file.tensors.values()) weights += sizeBytes;
  return {
    ms,
    units: weights,
    rssBytes: process.memoryUsage().rss,
    heldBytes: weights + pages,
    detail: `${executor.threadCount} threads`,
  };
}

async function prefill(model: ModelExecutor, count: number): Promise<Answer> {
  const { vocabularySize } = model.shape;
  const tokens = Uint32Array.from({ length: count }, (_, i) => promptToken(i, vocabularySize));
  const session = model.openSession();
  const began = performance.now();
  await model.step([{ session, tokens, logits: "last" }]);
  const ms = performance.now() - began;
  session.drop();
  return { ms, units: count };
}

async function verify(model: ModelExecutor, count: number): Promise<Answer> {
  const { vocabularySize } = model.shape;
  const sampler = createSampler({ vocabularySize, seed: 0, temperature: 0 });
  const tokens = Uint32Array.from({ length: count }, (_, i) => promptToken(i, vocabularySize));
  const session = model.openSession();
  const began = performance.now();
  const logits = await model.step([{ session, tokens, logits: "all" }]);
  for (let i = 0; i < count; i++) {
    const row = logits.subarray(i * vocabularySize, (i + 1) * vocabularySize);
    sampler.sample(row, { position: i + 1 });
  }
  const ms = performance.now() - began;
  session.drop();
  return { ms, units: count };
}

async function decode(model: ModelExecutor, count: number): Promise<Answer> {
  const { vocabularySize } = model.shape;
  const sampler = createSampler({ vocabularySize, seed: 0, temperature: 0 });
  const session = model.openSession();
  let tokens: Uint32Array = Uint32Array.of(1, 2, 3, 4);
  let began = 0;
  for (let i = 0; i <= count; i++) {
    const logits = await model.step([{ session, tokens, logits: "last" }]);
    tokens = Uint32Array.of(sampler.sample(logits, { position: session.positionCount }));
    if (i === 0) began = performance.now();
  }
  const ms = performance.now() - began;
  session.drop();
  return { ms, units: count };
}

const lines = createInterface({ input: process.stdin });
await answerLines(answer, { input: lines, print: (line) => console.log(line) });
executor?.close();
process.exit(0);
