/**
 * wllama as a contender: `deno run -A run_wllama.ts PACKAGE`, see protocol.ts.
 *
 * It is made for browsers. Deno's workers are near enough once `document` has a base address, the
 * worker has no `process` (which it would take for Node) and starts its threads as modules; its
 * module comes from a server on loopback. Times are those that it measures itself.
 */
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import process from "node:process";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { answerLines } from "./protocol.ts";
import type { Answer, Ask } from "./protocol.ts";

/** What is used of the package. */
interface Package {
  readonly Wllama: new (
    paths: { readonly default: string },
    options: {
      readonly suppressNativeLog: boolean;
      readonly logger: object;
      readonly cacheManager: object;
    },
  ) => Wllama;
}

interface Wllama {
  loadModel(files: readonly Blob[], options: Readonly<Record<string, number>>): Promise<void>;
  createCompletion(options: Readonly<Record<string, unknown>>): Promise<{
    readonly timings?: Readonly<
      Record<"prompt_n" | "prompt_ms" | "predicted_n" | "predicted_ms", number>
    >;
  }>;
}

const [folder = ""] = process.argv.slice(2);
let wllama: Wllama | undefined;

async function answer(ask: Ask): Promise<Answer> {
  if (ask.op === "load") return await load(ask.path, ask.threads);
  if (wllama === undefined) throw new TypeError("Cannot compute as nothing is loaded");
  // It takes text; each of these letters is a token or two of any vocabulary.
  const words = ask.op === "prefill" ? "qzx jvk wpf ".repeat(Math.ceil(ask.count / 12)) : "qzx";
  const { timings } = await wllama.createCompletion({
    prompt: words,
    max_tokens: ask.op === "prefill" ? 2 : ask.count,
    temperature: 0,
    cache_prompt: false,
    ignore_eos: true,
  });
  if (timings === undefined) throw new TypeError("Cannot use the answer as it has no timings");
  return ask.op === "prefill"
    ? { ms: timings.prompt_ms, units: timings.prompt_n }
    : { ms: timings.predicted_ms, units: timings.predicted_n };
}

async function load(path: string, threads: number): Promise<Answer> {
  const address = await serveModule(`${folder}/esm/wasm/wllama.wasm`);
  const scope: { document?: unknown } = globalThis as { document?: unknown };
  scope.document = { baseURI: address };
  prepareWorkers();
  const { Wllama } = await import(pathToFileURL(`${folder}/esm/index.js`).href) as Package;
  const quiet = { debug: ignore, log: ignore, warn: ignore, error: console.error };
  wllama = new Wllama({ default: `${address}wllama.wasm` }, {
    suppressNativeLog: true,
    logger: quiet,
    cacheManager: {}, // it would look for a browser's storage
  });
  const bytes = await readFile(path);
  const began = performance.now();
  const options = { n_threads: threads, n_gpu_layers: 0, n_ctx: 512, n_batch: 512 };
  await wllama.loadModel([new Blob([bytes])], options);
  return { ms: performance.now() - began, units: bytes.length };
}

function ignore(): void {}

async function serveModule(path: string): Promise<string> {
  const module = await readFile(path);
  const server = createServer((_, response) => {
    response.writeHead(200, {
      "content-type": "application/wasm",
      "access-control-allow-origin": "*",
    });
    response.end(module);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

function prepareWorkers(): void {
  const before = "globalThis.process = undefined; const Plain = globalThis.Worker;" +
    "globalThis.Worker = class extends Plain {" +
    "constructor(url, options) { super(url, { ...options, type: 'module' }); } };";
  const create = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (blob): string =>
    create(blob instanceof Blob ? new Blob([before, blob], { type: "text/javascript" }) : blob);
}

const lines = createInterface({ input: process.stdin });
await answerLines(answer, { input: lines, print: (line) => console.log(line) });
process.exit(0);
