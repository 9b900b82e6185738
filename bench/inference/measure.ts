/**
 * Measures the inference table: every contender holds the same generated model in a process of its
 * own, and they take turns, so that a slow moment of the machine strikes all of a round.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { medianOf } from "../harness.ts";
import type { RowResult } from "../harness.ts";
import { writeRandomModel } from "../models/gguf_writer.ts";
import { presetShape } from "../models/presets.ts";
import { Contender } from "./contender.ts";
import { startOf } from "./contenders.ts";
import type { Answer } from "./protocol.ts";
import { nameOf } from "./rows.ts";
import type { ContenderName, ModelRows, Pair, Work } from "./rows.ts";

/** Results, and why some contenders have none. */
export interface Measured {
  readonly results: readonly RowResult[];
  readonly notes: readonly string[];
}

/** Times per token in ns, one for each round. */
type Times = Map<string, number[]>;

interface Loaded {
  readonly contender: Contender;
  readonly answer: Answer;
}

/** How a run is done. */
export interface MeasureOptions {
  readonly small: boolean;
  readonly tell: (line: string) => void;
  /** Where generated models are kept for further runs. @default a folder that is deleted */
  readonly models?: string | undefined;
}

/** Measures one model's rows; progress goes to `tell`. */
export async function measureModel(rows: ModelRows, options: MeasureOptions): Promise<Measured> {
  if (rows.pairs.length === 0) return { results: [], notes: [] };
  const folder = options.models ?? mkdtempSync(join(tmpdir(), "skep-bench-"));
  const loaded = new Map<ContenderName, Loaded>();
  try {
    const path = writeModel(rows, folder, options);
    const notes = await loadAll(rows, path, loaded);
    options.tell(`measuring ${loaded.size} contenders on it`);
    const times = await runRounds(rows, loaded);
    const context = { rows, loaded, times, small: options.small };
    const results = rows.pairs.flatMap((pair) => resultOf(pair, context));
    return { results: [...results, ...footprints(context)], notes };
  } finally {
    for (const { contender } of loaded.values()) contender.end();
    if (options.models === undefined) rmSync(folder, { recursive: true });
  }
}

/** The model of the rows, unless it is there. */
function writeModel(rows: ModelRows, folder: string, { tell }: MeasureOptions): string {
  const path = join(folder, `${nameOf(rows)}.gguf`);
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  tell(`writing a random ${rows.size} model of ${rows.type}`);
  writeRandomModel({ shape: presetShape(rows.size), type: rows.type, seed: 1, path });
  return path;
}

/** Starts and loads each contender; returns why some are missing. */
async function loadAll(
  rows: ModelRows,
  path: string,
  loaded: Map<ContenderName, Loaded>,
): Promise<string[]> {
  const notes: string[] = [];
  const names = new Set(rows.pairs.flatMap(({ ours, peer }) => [ours, peer]));
  for (const name of names) {
    const start = startOf(name);
    if (typeof start === "string") {
      notes.push(`${name}, ${rows.size} ${rows.type}: ${start}`);
      continue;
    }
    const contender = new Contender(name, start.command);
    try {
      const answer = await contender.ask({
        op: "load",
        path,
        threads: start.threads,
        touched: rows.footprint,
      });
      loaded.set(name, { contender, answer });
      if (answer.detail !== undefined) notes.push(`${name}, ${rows.size}: ${answer.detail}`);
    } catch (thrown) {
      contender.end();
      notes.push(`${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    }
  }
  return notes;
}

/** Every contender in every round, each round beginning with another; the first is not counted. */
async function runRounds(
  rows: ModelRows,
  loaded: ReadonlyMap<ContenderName, Loaded>,
): Promise<Times> {
  const times: Times = new Map();
  if (rows.rounds === 0) return times;
  const names = [...loaded.keys()];
  for (let round = -1; round < rows.rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(round + 1 + turn) % names.length] as ContenderName;
      const contender = loaded.get(name)?.contender;
      for (const op of worksOf(name, rows)) {
        const count = op === "decode" ? rows.decodeTokens : rows.prefillTokens;
        const answer = await contender?.ask({ op, count });
        if (answer === undefined || round < 0) continue;
        const key = keyOf(name, op);
        times.set(key, [...times.get(key) ?? [], answer.ms * 1e6 / answer.units]);
      }
    }
  }
  return times;
}

/** What a contender is needed for. */
function worksOf(name: ContenderName, { pairs }: ModelRows): ReadonlySet<Work> {
  return new Set(pairs.flatMap(({ ours, peer, work, peerWork = work }) => [
    ...(ours === name ? [work] : []),
    ...(peer === name ? [peerWork] : []),
  ]));
}

function keyOf(name: ContenderName, work: Work): string {
  return `${work} ${name}`;
}

interface Context {
  readonly rows: ModelRows;
  readonly loaded: ReadonlyMap<ContenderName, Loaded>;
  readonly times: Times;
  readonly small: boolean;
}

function resultOf(pair: Pair, context: Context): RowResult[] {
  const { ours, peer, work, peerWork = work, gate } = pair;
  const own = context.times.get(keyOf(ours, work));
  const other = context.times.get(keyOf(peer, peerWork));
  if (own === undefined || other === undefined) return [];
  const { size, type, prefillTokens } = context.rows;
  const ratio = medianOf(other.map((time, round) => time / (own[round] ?? NaN)));
  const what = {
    decode: "decode",
    prefill: `prefill of ${prefillTokens}`,
    verify: `verifying ${prefillTokens} tokens by computing them together`,
  }[work];
  return [{
    name: `${work}-${size}-${type}`,
    what: `${what}, ${size} ${type}, per token`,
    runtime: ours.replace("skep, ", ""),
    peer: peerWork === work ? peer : `generating them: ${peer}`,
    ratio,
    ourNs: medianOf(own),
    peerNs: medianOf(other),
    ...verdict(ratio, gate, context),
  }];
}

/** Memory and load of ours, against what it holds and against 1 GB/s. */
function footprints(context: Context): RowResult[] {
  if (!context.rows.footprint) return [];
  const { size, type } = context.rows;
  return [...context.loaded].flatMap(([name, { answer }]): RowResult[] => {
    const { rssBytes, heldBytes, units, ms } = answer;
    if (!name.startsWith("skep") || rssBytes === undefined || heldBytes === undefined) return [];
    const runtime = name.replace("skep, ", "");
    const memory = heldBytes / rssBytes;
    const nsPerMb = (ms * 1e12) / units;
    return [{
      name: `memory-${size}-${type}`,
      what: `resident memory, ${size} ${type}`,
      runtime,
      peer: "weights + keys and values",
      ratio: memory,
      ourNs: rssBytes,
      peerNs: heldBytes,
      unit: "bytes",
      ...verdict(memory, 1 / 1.15, context),
    }, {
      name: `load-${size}-${type}`,
      what: `load with a warm page cache, ${size} ${type}, per MB`,
      runtime,
      peer: "1 GB/s",
      ratio: 1e6 / nsPerMb,
      ourNs: nsPerMb,
      peerNs: 1e6,
      ...verdict(1e6 / nsPerMb, 0.4, context),
    }];
  });
}

function verdict(
  ratio: number,
  gate: number | undefined,
  { small }: Context,
): Pick<RowResult, "gate" | "pass" | "checksum" | "small"> {
  const pass = small || gate === undefined || ratio >= gate;
  return { gate: gate ?? null, pass, checksum: 0, small };
}

/** What to print of a run in progress. */
export function tellOnTerminal(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
}
