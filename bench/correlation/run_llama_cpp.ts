/**
 * llama.cpp's numbers for a model, by node-llama-cpp: `node run_llama_cpp.ts PACKAGE`.
 *
 * PACKAGE is the folder of the package. A line of JSON on the standard input asks (`Ask`); a line on
 * the standard output answers: `{}`, after the file was written, or `{"error": ...}`. Nothing is
 * built or downloaded.
 */
import { writeFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

/** What is asked for. */
export interface Ask {
  readonly path: string;
  readonly tokens: readonly number[];
  readonly contextSize: number;
  /** How many positions' logits, counted from the last. */
  readonly rows: number;
  /** Logits, or one embedding. */
  readonly kind: "logits" | "embedding";
  /** Where to write the f32 numbers. */
  readonly output: string;
}

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
  loadModel(options: { readonly modelPath: string }): Promise<Model>;
}

interface Disposable {
  dispose(): Promise<void>;
}

interface Model extends Disposable {
  createContext(options: {
    readonly contextSize: number;
    readonly batchSize: number;
    readonly threads: number;
  }): Promise<Disposable & { getSequence(): Sequence }>;
  createEmbeddingContext(options: {
    readonly contextSize: number;
    readonly batchSize: number;
    readonly threads: number;
  }): Promise<
    Disposable & {
      getEmbeddingFor(tokens: readonly number[]): Promise<{ readonly vector: readonly number[] }>;
    }
  >;
}

type Item = number | readonly [token: number, options: { generateNext: { logits: true } }];

interface Sequence {
  controlledEvaluate(
    input: readonly Item[],
  ): Promise<
    readonly ({ readonly next: { readonly logits: ReadonlyMap<number, number> } } | undefined)[]
  >;
}

const threads = 1;

async function answer(llama: Llama, ask: Ask): Promise<void> {
  const model = await llama.loadModel({ modelPath: ask.path });
  try {
    const values = ask.kind === "logits" ? await logits(model, ask) : await embedding(model, ask);
    writeFileSync(ask.output, values);
  } finally {
    await model.dispose();
  }
}

async function logits(model: Model, { tokens, contextSize, rows }: Ask): Promise<Float32Array> {
  const context = await model.createContext({ contextSize, batchSize: tokens.length, threads });
  const first = tokens.length - rows;
  const input = tokens.map((token, index): Item => {
    return index < first ? token : [token, { generateNext: { logits: true } }];
  });
  const results = await context.getSequence().controlledEvaluate(input);
  const size = results[first]?.next.logits.size ?? 0;
  const values = new Float32Array(size * rows).fill(NaN);
  for (let row = 0; row < rows; row++) {
    for (const [token, logit] of results[first + row]?.next.logits ?? []) {
      values[row * size + token] = logit;
    }
  }
  return values;
}

async function embedding(model: Model, { tokens, contextSize }: Ask): Promise<Float32Array> {
  const context = await model.createEmbeddingContext({
    contextSize,
    batchSize: contextSize,
    threads,
  });
  return Float32Array.from((await context.getEmbeddingFor(tokens)).vector);
}

const [folder = ""] = process.argv.slice(2);
const { getLlama } = await import(pathToFileURL(`${folder}/dist/index.js`).href) as Package;
const llama = await getLlama({ gpu: false, build: "never", skipDownload: true, logLevel: "error" });
for await (const line of createInterface({ input: process.stdin })) {
  try {
    await answer(llama, JSON.parse(line));
    console.log("{}");
  } catch (error) {
    console.log(JSON.stringify({ error: String(error) }));
  }
}
process.exit(0);
