/**
 * Compares our logits with llama.cpp's for every family and format, on random models:
 *
 *     deno run -A bench/correlation/main.ts [--family F] [--format T] [--reference] [--small]
 *     deno run -A bench/correlation/main.ts --model FILE.gguf [--reference]
 *
 * The same with `node`, 24 or later. It prints a table of correlations over all logits of 64
 * positions (of encoders the cosine of the embedding), and exits with 1 when one is below its gate.
 * `--small` takes one format for each family, and four formats of Llama; `--reference` takes the
 * reference executor; `--model` compares one file, by the gates of quantised formats. llama.cpp comes with node-llama-cpp from bench/peers, which is installed on
 * demand.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  createReferenceExecutor,
  EngineError,
  type Executor,
  loadExecutor,
  type ModelExecutor,
} from "../../src/engine/mod.ts";
import {
  fileSource,
  ModelError,
  type ModelShape,
  openGguf,
  readModelShape,
} from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { type FamilyName, familyNames, isFamilyName } from "../models/family_shapes.ts";
import { writeRandomModel } from "../models/gguf_writer.ts";
import { isWeightType, type WeightType } from "../models/random_weights.ts";
import { installPeers } from "../peers/load.ts";
import { caseShape, caseTokens, formats, gateOf, POSITIONS, remarkOf } from "./cases.ts";
import { LlamaCpp } from "./llama_cpp.ts";
import { correlation, cosine, worstRow } from "./similarity.ts";

/** Logits that are taken from a model; the peer gives them one by one. */
const LOGITS_MAX = 1_000_000;
/** Longest context that the peer allocates. */
const CONTEXT_MAX = 4096;

/** What a run compares. */
interface Case {
  readonly family: FamilyName;
  readonly format: WeightType;
}

/** How alike the two were. */
interface Outcome {
  readonly family: string;
  readonly format: string;
  readonly gate: number;
  readonly value: number;
  /** Of the position that is least alike; the value itself for an embedding. */
  readonly worst: number;
}

const { values: flags } = parseArgs({
  options: {
    family: { type: "string" },
    format: { type: "string" },
    reference: { type: "boolean", default: false },
    small: { type: "boolean", default: false },
    model: { type: "string" },
  },
});

function chosenCases(): readonly Case[] {
  const { family, format } = flags;
  if (family !== undefined && !isFamilyName(family)) {
    throw new TypeError(`Cannot compare as there must be a family "${family}"`);
  }
  if (format !== undefined && !isWeightType(format)) {
    throw new TypeError(`Cannot compare as there must be a format "${format}"`);
  }
  return familyNames.flatMap((name, index) => {
    return formats.map((each, at): Case & { isSmall: boolean } => ({
      family: name,
      format: each,
      isSmall: at === index % formats.length || name === "llama" && /^(f32|q8_0|q4_k)$/.test(each),
    }));
  }).filter((each) => {
    if (family !== undefined && each.family !== family) return false;
    if (format !== undefined && each.format !== format) return false;
    return !flags.small || each.isSmall;
  });
}

/** Our numbers: logits of every position, or the embedding. */
async function compute(path: string, tokens: Uint32Array): Promise<Float32Array> {
  const source = await fileSource(realDisk(), path);
  const file = await openGguf(source);
  const shape = readModelShape(file);
  const load = flags.reference ? createReferenceExecutor : loadExecutor;
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

/** Writes the case's model and compares. */
async function compareCase(each: Case, peer: LlamaCpp, folder: string): Promise<Outcome> {
  const shape = caseShape(each.family);
  const path = join(folder, "model.gguf");
  writeRandomModel({ shape, type: each.format, seed: 1, path });
  const tokens = caseTokens(shape);
  const alike = await compare({ path, shape, tokens }, peer, folder);
  return { ...each, ...alike, gate: gateOf(shape, each.format) };
}

/** Compares a file, over tokens from its whole vocabulary, at its last positions when that is long. */
async function compareFile(path: string, peer: LlamaCpp, folder: string): Promise<Outcome> {
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
  const alike = await compare({ path, shape, tokens }, peer, folder);
  return { family: path, format: "", ...alike, gate: gateOf(shape, "q8_0") };
}

async function compare(
  model: { readonly path: string; readonly shape: ModelShape; readonly tokens: Uint32Array },
  peer: LlamaCpp,
  folder: string,
): Promise<{ readonly value: number; readonly worst: number }> {
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
  const all = await compute(path, tokens);
  const ours = isEncoder ? all : all.subarray(-rows * shape.vocabularySize);
  const value = isEncoder ? cosine(ours, theirs) : correlation(ours, theirs);
  const worst = isEncoder ? value : worstRow(ours, theirs, shape.vocabularySize);
  return { value, worst };
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

function print({ family, format, gate, value, worst }: Outcome): void {
  const verdict = value >= gate ? "ok" : "BELOW";
  const figures = `${value.toFixed(6)}  ${worst.toFixed(6)}  ${gate}`;
  console.log(`${family.padEnd(14)}${format.padEnd(8)}${figures.padEnd(28)}${verdict}`);
}

async function main(): Promise<void> {
  const cases = flags.model === undefined ? chosenCases() : [];
  if (!installPeers()) throw new TypeError("Cannot compare as npm could not install llama.cpp");
  const peer = new LlamaCpp(
    fileURLToPath(new URL("../peers/node_modules/node-llama-cpp", import.meta.url)),
  );
  const folder = mkdtempSync(join(tmpdir(), "skep-correlation-"));
  console.log("family        format  all       worst     gate");
  const passed: boolean[] = [];
  try {
    const { model } = flags;
    if (model !== undefined) {
      passed.push(await passes(model, () => compareFile(model, peer, folder)));
    }
    for (const each of cases) {
      const name = `${each.family} ${each.format}`;
      passed.push(await passes(name, () => compareCase(each, peer, folder)));
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

await main();
