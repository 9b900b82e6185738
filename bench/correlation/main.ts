/**
 * Compares our logits with llama.cpp's for every family and format, on random models:
 *
 *     deno run -A bench/correlation/main.ts [--family F] [--format T] [--reference] [--exact] [--small]
 *     deno run -A bench/correlation/main.ts --model FILE.gguf [--reference] [--exact]
 *
 * The same with `node`, 24 or later. It prints a table of correlations over all logits of 64
 * positions (of encoders the cosine of the embedding), and exits with 1 when one is below its gate.
 * `--exact` shows how near each side is to the same weights as F32, with activations that nobody
 * rounds. `--small` takes one format for each family, and four formats of Llama; `--reference` takes the
 * reference executor; `--model` compares one file, by the gates of quantised formats. llama.cpp comes with
 * node-llama-cpp from bench/peers, which is installed on demand.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createReferenceExecutor, EngineError, loadExecutor } from "../../src/engine/mod.ts";
import type { Executor, ModelExecutor } from "../../src/engine/mod.ts";
import { fileSource, ModelError, openGguf, readModelShape } from "../../src/model/mod.ts";
import type { ModelShape } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { writeRandomModel } from "../models/gguf_writer.ts";
import { installPeers } from "../peers/load.ts";
import { caseShape, caseTokens, gateOf, POSITIONS, remarkOf } from "./cases.ts";
import { LlamaCpp } from "./llama_cpp.ts";
import { correlationOptions, help } from "./options.ts";
import type { Case, CorrelationOptions } from "./options.ts";
import { correlation, cosine, worstRow } from "./similarity.ts";
import { writeWidened } from "./widened.ts";

/** Logits that are taken from a model; the peer gives them one by one. */
const LOGITS_MAX = 1_000_000;
/** Longest context that the peer allocates. */
const CONTEXT_MAX = 4096;

/** How alike the two were. */
interface Outcome {
  readonly family: string;
  readonly format: string;
  readonly gate: number;
  readonly value: number;
  /** Of the position that is least alike; the value itself for an embedding. */
  readonly worst: number;
  /** Where it was asked for: how like either side is to the same weights as F32. */
  readonly exact: { readonly ours: number; readonly theirs: number } | undefined;
}

/** Our numbers: logits of every position, or the embedding. */
async function compute(
  path: string,
  { tokens, reference }: { readonly tokens: Uint32Array; readonly reference: boolean },
): Promise<Float32Array> {
  const source = await fileSource(realDisk(), path);
  const file = await openGguf(source);
  const shape = readModelShape(file);
  const load = reference ? createReferenceExecutor : loadExecutor;
  const executor: Executor = await load({ file, source, shape });
  try {
    if (shape.family.pooling !== undefined) return await encode(executor, tokens);
    const session = executor.openSession();
    const entry = { session, firstPosition: 0, positionCount: tokens.length };
    const hidden = await executor.embed(tokens);
    return await executor.head(await executor.forward(executor.layers, [entry], hidden));
  } finally {
    executor.close();
    await source.close();
  }
}

async function encode(executor: Executor, tokens: Uint32Array): Promise<Float32Array> {
  if (!("encode" in executor)) throw new TypeError("Cannot compare as the executor must encode");
  return await (executor as ModelExecutor).encode([tokens]);
}

/** What all comparisons of a run have in common. */
interface Run {
  readonly peer: LlamaCpp;
  readonly folder: string;
  readonly reference: boolean;
  readonly exact: boolean;
}

/** Writes the case's model and compares. */
async function compareCase(each: Case, run: Run): Promise<Outcome> {
  const shape = caseShape(each.family);
  const path = join(run.folder, "model.gguf");
  writeRandomModel({ shape, type: each.format, seed: 1, path });
  const tokens = caseTokens(shape);
  const alike = await compare({ path, shape, tokens }, run);
  return { ...each, ...alike, gate: gateOf(shape, each.format) };
}

/** Compares a file, over tokens from its whole vocabulary, at its last positions when that is long. */
async function compareFile(path: string, run: Run): Promise<Outcome> {
  const source = await fileSource(realDisk(), path);
  const file = await openGguf(source);
  await source.close();
  const shape = readModelShape(file);
  const idOf = (name: string): number => Number(file.metadata.get(`tokenizer.ggml.${name}`) ?? 1);
  const isEncoder = shape.family.pooling !== undefined;
  const tokens = caseTokens(shape, {
    text: 0,
    count: Math.min(POSITIONS, shape.contextMax - 1),
    first: idOf(isEncoder ? "cls_token_id" : "bos_token_id"),
    last: idOf("seperator_token_id"),
  });
  const alike = await compare({ path, shape, tokens }, run);
  return { family: path, format: "", ...alike, gate: gateOf(shape, "q8_0") };
}

async function compare(
  model: { readonly path: string; readonly shape: ModelShape; readonly tokens: Uint32Array },
  { peer, folder, reference, exact }: Run,
): Promise<Pick<Outcome, "value" | "worst" | "exact">> {
  const { path, shape, tokens } = model;
  const isEncoder = shape.family.pooling !== undefined;
  const rows = Math.min(tokens.length, Math.ceil(LOGITS_MAX / shape.vocabularySize));
  const theirs = await peer.ask({
    path,
    rows,
    tokens: [...tokens],
    contextSize: Math.min(shape.contextMax, CONTEXT_MAX),
    kind: isEncoder ? "embedding" : "logits",
    output: join(folder, "theirs.f32"),
  });
  const shown = (all: Float32Array): Float32Array =>
    isEncoder ? all : all.subarray(-rows * shape.vocabularySize);
  const alike = isEncoder ? cosine : correlation;
  const ours = shown(await compute(path, { tokens, reference }));
  const value = alike(ours, theirs);
  const worst = isEncoder ? value : worstRow(ours, theirs, shape.vocabularySize);
  if (!exact) return { value, worst, exact: undefined };
  const wide = join(folder, "widened.gguf");
  await writeWidened(path, wide);
  const truth = shown(await compute(wide, { tokens, reference }));
  return { value, worst, exact: { ours: alike(ours, truth), theirs: alike(theirs, truth) } };
}

/** Compares and prints; what can't be computed does not pass. */
async function passes(name: string, run: () => Promise<Outcome>): Promise<boolean> {
  try {
    const outcome = await run();
    print(outcome);
    return outcome.value >= outcome.gate;
  } catch (cause) {
    const isRefusal = cause instanceof EngineError || cause instanceof ModelError;
    if (!isRefusal && !(cause instanceof TypeError)) throw cause;
    console.log(`${name}: ${cause.message}`);
    return false;
  }
}

function print({ family, format, gate, value, worst, exact }: Outcome): void {
  const verdict = value >= gate ? "ok" : "BELOW";
  const figures = `${value.toFixed(6)}  ${worst.toFixed(6)}  ${gate}`;
  const beside = exact === undefined
    ? ""
    : `  to F32: ours ${exact.ours.toFixed(6)}, theirs ${exact.theirs.toFixed(6)}`;
  console.log(`${family.padEnd(14)}${format.padEnd(8)}${figures.padEnd(28)}${verdict}${beside}`);
}

async function main({ cases, model, reference, exact }: CorrelationOptions): Promise<void> {
  if (!installPeers()) throw new TypeError("Cannot compare as npm could not install llama.cpp");
  const peer = new LlamaCpp(
    fileURLToPath(new URL("../peers/node_modules/node-llama-cpp", import.meta.url)),
  );
  const folder = mkdtempSync(join(tmpdir(), "skep-correlation-"));
  const run = { peer, folder, reference, exact };
  console.log("family        format  all       worst     gate");
  const passed: boolean[] = [];
  try {
    if (model !== undefined) passed.push(await passes(model, () => compareFile(model, run)));
    for (const each of cases) {
      passed.push(await passes(`${each.family} ${each.format}`, () => compareCase(each, run)));
    }
  } finally {
    await peer.close();
    rmSync(folder, { recursive: true });
  }
  for (const name of new Set(cases.map(({ family }) => family))) {
    if (remarkOf(name) !== "") console.log(`${name}: ${remarkOf(name)}`);
  }
  const count = passed.filter(Boolean).length;
  console.log(`${count} of ${passed.length} reach their gates`);
  if (count < passed.length) process.exitCode = 1;
}

/** The arguments; where they ask for help or are wrong that is said, and nothing is compared. */
function options(): CorrelationOptions | undefined {
  try {
    const asked = correlationOptions(process.argv.slice(2));
    if (asked === undefined) console.log(help);
    return asked;
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    console.error(`${cause.message}\n\n${help}`);
    process.exitCode = 2;
    return undefined;
  }
}

const asked = options();
if (asked !== undefined) await main(asked);
