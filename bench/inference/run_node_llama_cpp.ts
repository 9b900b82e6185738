/**
 * node-llama-cpp as a contender: `node run_node_llama_cpp.ts PACKAGE`, see protocol.ts.
 *
 * PACKAGE is the folder of the package; a copy of it without the wider CPU libraries measures what a
 * processor without them gets. Nothing is built or downloaded.
 */
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { answerLines, promptToken } from "./protocol.ts";
import type { Answer, Ask } from "./protocol.ts";

/** What is used of the package. */
interface Package {
  getLlama(options: {
    readonly gpu: false;
    readonly build: "never";
    readonly skipDownload: boolean;
    readonly logLevel: "error";
  }): Promise<Llama>;
}

interface Llama {
  readonly systemInfo: string;
  loadModel(options: { readonly modelPath: string; readonly useMmap: boolean }): Promise<Model>;
}

interface Model {
  readonly fileInsights: { readonly modelSize: number };
  createContext(options: {
    readonly contextSize: number;
    readonly batchSize: number;
    readonly threads: number;
    readonly flashAttention: boolean;
  }): Promise<Context>;
}

interface Context {
  getSequence(): Sequence;
}

interface Sequence {
  clearHistory(): Promise<void>;
  evaluateWithoutGeneratingNewTokens(tokens: readonly number[]): Promise<void>;
  evaluate(
    tokens: readonly number[],
    options: { readonly temperature: number; readonly yieldEogToken: boolean },
  ): AsyncIterable<number>;
}

const [folder = ""] = process.argv.slice(2);
let sequence: Sequence | undefined;

async function answer(ask: Ask): Promise<Answer> {
  if (ask.op === "load") return await load(ask);
  if (ask.op === "verify") throw new TypeError("Cannot verify as the package has no such call");
  if (sequence === undefined) throw new TypeError("Cannot compute as nothing is loaded");
  await sequence.clearHistory();
  return ask.op === "prefill"
    ? await prefill(sequence, ask.count)
    : await decode(sequence, ask.count);
}

async function load({ path, threads, touched }: Ask & { op: "load" }): Promise<Answer> {
  const entry = pathToFileURL(`${folder}/dist/index.js`).href;
  const { getLlama } = await import(entry) as Package;
  const llama = await getLlama({
    gpu: false,
    build: "never",
    skipDownload: true,
    logLevel: "error",
  });
  const began = performance.now();
  const model = await llama.loadModel({ modelPath: path, useMmap: false });
  const ms = performance.now() - began;
  const context = await model.createContext({
    contextSize: 512,
    batchSize: 512,
    threads,
    flashAttention: false,
  });
  sequence = context.getSequence();
  if (touched) await prefill(sequence, 500);
  const rssBytes = process.memoryUsage().rss;
  return { ms, units: model.fileInsights.modelSize, rssBytes, detail: features(llama.systemInfo) };
}

/** The processor features that the chosen library uses, of those that matter here. */
function features(info: string): string {
  const wanted = /^(AVX2|AVX_VNNI|AVX512|AVX512_VNNI|AVX512_BF16|AMX_INT8)$/;
  const used = [...info.matchAll(/(\w+) = 1/g)].map(([, name = ""]) => name);
  return used.filter((name) => wanted.test(name)).join(" ");
}

async function prefill(on: Sequence, count: number): Promise<Answer> {
  const tokens = Array.from({ length: count }, (_, i) => promptToken(i, 32_000));
  const began = performance.now();
  await on.evaluateWithoutGeneratingNewTokens(tokens);
  return { ms: performance.now() - began, units: count };
}

async function decode(on: Sequence, count: number): Promise<Answer> {
  let made = 0;
  let began = 0;
  for await (const _ of on.evaluate([1, 2, 3, 4], { temperature: 0, yieldEogToken: true })) {
    if (made === 0) began = performance.now();
    if (made++ === count) break;
  }
  return { ms: performance.now() - began, units: made - 1 };
}

const lines = createInterface({ input: process.stdin });
await answerLines(answer, { input: lines, print: (line) => console.log(line) });
process.exit(0);
