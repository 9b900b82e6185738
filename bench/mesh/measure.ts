/**
 * Measures the mesh's rows: a model's layers in several processes, linked by libp2p over TCP.
 *
 * Two stages on loopback are compared with one process that holds the same model; stages that are a
 * distance apart with an echo: frames of the same sizes over the same links, with nothing computed.
 * All that takes turns is up at the same time, and computes the same tokens.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { medianOf, type RowResult } from "../harness.ts";
import type { Measured } from "../inference/measure.ts";
import { promptToken } from "../inference/protocol.ts";
import { writeRandomModel } from "../models/gguf_writer.ts";
import { type ModelSize, presetShape } from "../models/presets.ts";
import type { NodeAnswer, Text } from "./protocol.ts";
import { Ring, type Runtime, startNode } from "./ring.ts";

/** How much is measured. */
interface Extent {
  readonly rounds: number;
  readonly tokens: number;
  readonly delayMs: number;
  /** Of the model on loopback. */
  readonly nearSize: ModelSize;
  /** Of the models over a distance, with the gate of each that has one. */
  readonly farSizes: readonly { readonly size: ModelSize; readonly gate: number | null }[];
}

const whole: Extent = {
  rounds: 7,
  tokens: 48,
  delayMs: 10,
  nearSize: "110m",
  // The echo computes nothing: of a larger model, the ratio would be its compute above all.
  farSizes: [{ size: "15m", gate: 0.9 }, { size: "110m", gate: null }],
};

const small: Extent = {
  rounds: 1,
  tokens: 8,
  delayMs: 2,
  nearSize: "15m",
  farSizes: [{ size: "15m", gate: 0.9 }],
};

const runtimes: readonly Runtime[] = ["Node", "Deno"];
const vocabularySize = 32_000;
const speculate = 7;

/** What a run has in common. */
interface Context {
  readonly extent: Extent;
  readonly small: boolean;
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** Times of one token or round in ns by contender, one for each measuring round. */
type Times = ReadonlyMap<string, readonly number[]>;

/** Measures all rows of the mesh; progress goes to `tell`. */
export async function measureMesh(
  options: { readonly small: boolean; readonly tell: (line: string) => void },
): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "skep-bench-"));
  const context = { ...options, folder, extent: options.small ? small : whole };
  const results: RowResult[] = [];
  const notes: string[] = [];
  try {
    for (const runtime of runtimes) {
      results.push(await measureNear(runtime, context));
      for (const far of context.extent.farSizes) {
        const measured = await measureFar(runtime, { ...context, ...far });
        results.push(...measured.results);
        notes.push(...measured.notes);
      }
    }
    return { results, notes };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Two stages in two processes over one process. */
async function measureNear(runtime: Runtime, context: Context): Promise<RowResult> {
  const { extent: { nearSize: size, tokens, rounds }, tell } = context;
  tell(`two stages of ${size} under ${runtime}`);
  const path = modelOf(size, context);
  const one = startNode(runtime);
  try {
    await one.ask({ op: "load", path, node: 99 });
    await using ring = await ringOf(path, { size, runtimes: [runtime, runtime], delayMs: 0 });
    const text = textOf(tokens);
    const { times, checksum } = await takeTurns(rounds, {
      "two stages": () => ring.ask({ op: "decode", ...text }),
      "one process": () => one.ask({ op: "decode", ...text }),
    });
    const name = "mesh-two-stages";
    const what = `decode over two stages in two processes on loopback, ${size} q8_0, per token`;
    const row = { name, what, runtime, gate: 0.85, checksum };
    return resultOf(row, { ours: "two stages", peer: "one process" }, { times, context });
  } finally {
    one.end();
  }
}

/** Four stages a distance apart over an echo, plain and with drafts. */
async function measureFar(
  runtime: Runtime,
  context: Context & { readonly size: ModelSize; readonly gate: number | null },
): Promise<Measured> {
  const { extent: { tokens, rounds, delayMs }, size, gate, tell } = context;
  tell(`four stages of ${size} under ${runtime}, ${delayMs} ms apart`);
  const stages = Array.from({ length: 4 }, () => runtime);
  await using ring = await ringOf(modelOf(size, context), { size, runtimes: stages, delayMs });
  const text = textOf(tokens);
  await ring.learnFrames(text);
  const drafts = { drafted: 0, accepted: 0 };
  const { times, checksum } = await takeTurns(rounds, {
    "plain": () => ring.ask({ op: "decode", ...text }),
    "drafting": async () => {
      const answer = await ring.ask({ op: "decode", ...text, speculate });
      drafts.drafted += answer.drafts?.drafted ?? 0;
      drafts.accepted += answer.drafts?.accepted ?? 0;
      return answer;
    },
    "echo": () => ring.echo(tokens),
  });
  const what = `decode over 4 stages with ${delayMs} ms between them, ${size} q8_0`;
  const rows = [
    { ours: "plain", name: `mesh-four-stages-${size}`, what: `${what}, per token`, gate },
    {
      ours: "drafting",
      name: `mesh-four-stages-drafting-${size}`,
      what: `${what}, prompt-lookup speculation, per token`,
      gate: null,
    },
  ].map(({ ours, ...row }) =>
    resultOf({ ...row, runtime, checksum }, { ours, peer: "echo" }, { times, context })
  );
  const { accepted, drafted } = drafts;
  const note = `four stages, ${runtime}, ${size}: of ${drafted} drafted tokens ${accepted} were ` +
    "right, in an answer that quotes its prompt in three of four tokens; the tokens are the same";
  return { results: rows, notes: [note] };
}

/** Asks all, each round beginning with another; the first round is not counted. */
async function takeTurns(
  rounds: number,
  contenders: Readonly<Record<string, () => Promise<NodeAnswer>>>,
): Promise<{ readonly times: Times; readonly checksum: number }> {
  const times = new Map<string, number[]>();
  const all = Object.entries(contenders);
  const checksums = new Set<number>();
  for (let round = -1; round < rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const [name, run] = all[(round + 1 + turn) % all.length] ?? [];
      if (name === undefined || run === undefined) continue;
      const { ms, units, tokens } = await run();
      if (tokens !== undefined) checksums.add(checksumOf(tokens));
      if (round >= 0) times.set(name, [...times.get(name) ?? [], ms * 1e6 / units]);
    }
  }
  const [checksum = 0, ...others] = checksums;
  if (others.length === 0) return { times, checksum };
  throw new RangeError("Cannot compare stages with others as they chose other tokens");
}

function resultOf(
  row: Pick<RowResult, "name" | "what" | "runtime" | "gate" | "checksum">,
  { ours, peer }: { readonly ours: string; readonly peer: string },
  { times, context }: { readonly times: Times; readonly context: Context },
): RowResult {
  const own = times.get(ours) ?? [];
  const other = times.get(peer) ?? [];
  const ratio = medianOf(other.map((time, round) => time / (own[round] ?? NaN)));
  return {
    ...row,
    peer: peer === "echo" ? "an echo of the same frames" : peer,
    ratio,
    pass: context.small || row.gate === null || ratio >= row.gate,
    ourNs: medianOf(own),
    peerNs: medianOf(other),
    small: context.small,
  };
}

function modelOf(size: ModelSize, { folder }: Context): string {
  const path = join(folder, `${size}-q8_0.gguf`);
  writeRandomModel({ shape: presetShape(size), type: "q8_0", seed: 1, path });
  return path;
}

/** A ring that ends with the block. */
async function ringOf(
  path: string,
  options: {
    readonly size: ModelSize;
    readonly runtimes: readonly Runtime[];
    readonly delayMs: number;
  },
): Promise<Ring> {
  const { size, ...rest } = options;
  return await Ring.start({ path, layerCount: presetShape(size).layerCount, ...rest });
}

function textOf(count: number): Text {
  const prompt = Array.from({ length: 48 }, (_, i) => promptToken(i, vocabularySize));
  return { prompt, count, speculate: 0, quotes: true };
}

/** FNV-1a of tokens, 32 bits. */
function checksumOf(tokens: readonly number[]): number {
  return tokens.reduce((hash, token) => Math.imul(hash ^ token, 0x01000193), 0x811c9dc5) >>> 0;
}
