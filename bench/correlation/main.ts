/**
 * Compares our logits with llama.cpp's for every family and format, on random models:
 *
 *     deno run -A bench/correlation/main.ts [--family F] [--format T] [--reference] [--small]
 *
 * The same with `node`, 24 or later. It prints a table of correlations over all logits of 64
 * positions (of encoders the cosine of the embedding), and exits with 1 when one is below its gate.
 * `--small` takes one format for each family, and four formats of Llama; `--reference` takes the
 * reference executor. llama.cpp comes with node-llama-cpp from bench/peers, which is installed on
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
import { fileSource, type ModelShape, openGguf, readModelShape } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { type FamilyName, familyNames, isFamilyName } from "../models/family_shapes.ts";
import { writeRandomModel } from "../models/gguf_writer.ts";
import { isWeightType, type WeightType } from "../models/random_weights.ts";
import { installPeers } from "../peers/load.ts";
import { caseShape, caseTokens, formats, gateOf, remarkOf } from "./cases.ts";
import { LlamaCpp } from "./llama_cpp.ts";
import { correlation, cosine, worstRow } from "./similarity.ts";

/** What a run compares. */
interface Case {
  readonly family: FamilyName;
  readonly format: WeightType;
}

/** How alike the two were. */
interface Outcome extends Case {
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

async function compare(each: Case, peer: LlamaCpp, folder: string): Promise<Outcome> {
  const shape: ModelShape = caseShape(each.family);
  const path = join(folder, "model.gguf");
  writeRandomModel({ shape, type: each.format, seed: 1, path });
  const tokens = caseTokens(shape);
  const isEncoder = shape.family.pooling !== undefined;
  const theirs = await peer.ask({
    path,
    tokens: [...tokens],
    contextSize: shape.contextMax,
    kind: isEncoder ? "embedding" : "logits",
    output: join(folder, "theirs.f32"),
  });
  const ours = await compute(path, tokens);
  const value = isEncoder ? cosine(ours, theirs) : correlation(ours, theirs);
  const worst = isEncoder ? value : worstRow(ours, theirs, shape.vocabularySize);
  return { ...each, gate: gateOf(shape, each.format), value, worst };
}

/** Compares and prints; what can't be computed does not pass. */
async function passes(each: Case, peer: LlamaCpp, folder: string): Promise<boolean> {
  try {
    const outcome = await compare(each, peer, folder);
    print(outcome);
    return outcome.value >= outcome.gate;
  } catch (cause) {
    if (!(cause instanceof EngineError || cause instanceof TypeError)) throw cause;
    console.log(`${each.family.padEnd(14)}${each.format.padEnd(8)}${cause.message}`);
    return false;
  }
}

function print({ family, format, gate, value, worst }: Outcome): void {
  const verdict = value >= gate ? "ok" : "BELOW";
  const figures = `${value.toFixed(6)}  ${worst.toFixed(6)}  ${gate}`;
  console.log(`${family.padEnd(14)}${format.padEnd(8)}${figures.padEnd(28)}${verdict}`);
}

async function main(): Promise<void> {
  const cases = chosenCases();
  if (!installPeers()) throw new TypeError("Cannot compare as npm could not install llama.cpp");
  const peer = new LlamaCpp(
    fileURLToPath(new URL("../peers/node_modules/node-llama-cpp", import.meta.url)),
  );
  const folder = mkdtempSync(join(tmpdir(), "skep-correlation-"));
  console.log("family        format  all       worst     gate");
  let missed = 0;
  try {
    for (const each of cases) {
      if (!await passes(each, peer, folder)) missed++;
    }
  } finally {
    await peer.close();
    rmSync(folder, { recursive: true });
  }
  for (const name of new Set(cases.map(({ family }) => family))) {
    if (remarkOf(name) !== "") console.log(`${name}: ${remarkOf(name)}`);
  }
  console.log(`${cases.length - missed} of ${cases.length} reach their gates`);
  if (missed > 0) process.exitCode = 1;
}

await main();
