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
import { medianOf } from "../harness.ts";
import type { RowResult } from "../harness.ts";
import type { Measured } from "../inference/measure.ts";
import { promptToken } from "../inference/protocol.ts";
import { writeRandomModel } from "../models/gguf_writer.ts";
import { presetShape } from "../models/presets.ts";
import type { ModelSize } from "../models/presets.ts";
import type { NodeAnswer, Text } from "./protocol.ts";
import { Ring, startNode } from "./ring.ts";
import type { Runtime } from "./ring.ts";

/** How much is measured: rounds are short and many, as a shared machine is slow for seconds at a time. */
interface Extent {
  /** Of two stages beside one process. */
  readonly near: Turns & { readonly size: ModelSize; readonly promptTokens: number };
  /** Of stages a distance apart, by model, with the gates of those that have some. */
  readonly far: readonly (Turns & { readonly size: ModelSize; readonly gates: FarGates })[];
  readonly delayMs: number;
}

/** How often contenders take turns, and tokens of a turn; before that, of one that is not counted. */
interface Turns {
  readonly rounds: number;
  readonly tokens: number;
  readonly warmTokens: number;
}

interface FarGates {
  readonly plain: number | null;
  readonly drafting: number | null;
}

const none: FarGates = { plain: null, drafting: null };

const whole: Extent = {
  near: { size: "110m", rounds: 11, tokens: 24, warmTokens: 192, promptTokens: 64 },
  // The echo computes nothing: of a larger model, the ratio would be its compute above all.
  far: [
    { size: "15m", rounds: 3, tokens: 48, warmTokens: 64, gates: { plain: 0.9, drafting: 1.6 } },
    { size: "110m", rounds: 1, tokens: 48, warmTokens: 24, gates: none },
  ],
  delayMs: 10,
};

const small: Extent = {
  near: { size: "15m", rounds: 1, tokens: 8, warmTokens: 8, promptTokens: 48 },
  far: [{ size: "15m", rounds: 1, tokens: 8, warmTokens: 8, gates: none }],
  delayMs: 2,
};

const runtimes: readonly Runtime[] = ["Node", "Deno"];
const vocabularySize = 32_000;
const speculate = 7;
const promptTokensDefault = 48;

/** What a run has in common. */
interface Context {
  readonly extent: Extent;
  readonly small: boolean;
  readonly folder: string;
  readonly tell: (line: string) => void;
}

/** Times of one token in ns by contender, one for each round. */
type Times = ReadonlyMap<string, readonly number[]>;

/** What takes turns; it is asked for so many tokens. */
type Contenders = Readonly<Record<string, (tokens: number) => Promise<NodeAnswer>>>;

/** What measures the mesh's rows, part after part; progress goes to `tell`. */
export function meshParts(
  options: { readonly small: boolean; readonly tell: (line: string) => void },
): readonly (() => Promise<Measured>)[] {
  const extent = options.small ? small : whole;
  return runtimes.flatMap((runtime) => [
    () => inFolder((folder) => measureNear(runtime, { ...options, folder, extent })),
    ...extent.far.map((far) => () =>
      inFolder((folder) => measureFar(runtime, { ...options, folder, extent, ...far }))
    ),
  ]);
}

/** Measures with a folder for a model, and removes it. */
async function inFolder(measure: (folder: string) => Promise<Measured>): Promise<Measured> {
  const folder = mkdtempSync(join(tmpdir(), "skep-bench-"));
  try {
    return await measure(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Two stages in two processes over one process. */
async function measureNear(runtime: Runtime, context: Context): Promise<Measured> {
  const { extent: { near }, tell } = context;
  const { size, promptTokens } = near;
  tell(`two stages of ${size} under ${runtime}`);
  const path = modelOf(size, context);
  const one = startNode(runtime);
  try {
    await one.ask({ op: "load", path, node: 99 });
    await using ring = await ringOf(path, { size, runtimes: [runtime, runtime], delayMs: 0 });
    const text = (count: number): Text => textOf(count, promptTokens);
    const { times, checksum } = await takeTurns(near, {
      "two stages": (tokens) => ring.ask({ op: "decode", ...text(tokens) }),
      "one process": (tokens) => one.ask({ op: "decode", ...text(tokens) }),
      "their parts": (tokens) => ring.alone(promptTokens, tokens),
    });
    const what = `over two stages in two processes on loopback, ${size} q8_0, per`;
    const results = [
      { of: "", name: "mesh-two-stages", what: `decode ${what} token`, gate: 0.85 },
      {
        of: promptOf,
        name: "mesh-two-stages-prompt",
        what: `prefill of ${promptTokens} tokens ${what} prompt`,
        gate: null,
      },
    ].map(({ of, ...row }) =>
      resultOf({ ...row, runtime, checksum }, {
        ours: `two stages${of}`,
        peer: `one process${of}`,
        printed: "one process",
      }, { times, context })
    );
    const parts = medianOf(times.get("their parts") ?? []);
    const ideal = ratioOf(times, { ours: "their parts", peer: "one process" });
    const note = `two stages, ${runtime}, ${size}: their layers, embedding and head take ${
      ms(parts)
    } ms a token without a network, ${ideal.toFixed(2)}x of one process: no network can do better`;
    return { results, notes: [note] };
  } finally {
    one.end();
  }
}

/** Four stages a distance apart over an echo, plain and with drafts. */
async function measureFar(
  runtime: Runtime,
  context: Context & Extent["far"][number],
): Promise<Measured> {
  const { extent: { delayMs }, size, gates, tell } = context;
  tell(`four stages of ${size} under ${runtime}, ${delayMs} ms apart`);
  const stages = Array.from({ length: 4 }, () => runtime);
  await using ring = await ringOf(modelOf(size, context), { size, runtimes: stages, delayMs });
  await ring.learnFrames(textOf);
  const drafts = { drafted: 0, accepted: 0 };
  const { times, checksum } = await takeTurns(context, {
    "plain": (tokens) => ring.ask({ op: "decode", ...textOf(tokens) }),
    "drafting": async (tokens) => {
      const answer = await ring.ask({ op: "decode", ...textOf(tokens), speculate });
      drafts.drafted += answer.drafts?.drafted ?? 0;
      drafts.accepted += answer.drafts?.accepted ?? 0;
      return answer;
    },
    "echo": (tokens) => ring.echo(tokens),
    "their parts": (tokens) => ring.alone(promptTokensDefault, tokens),
  });
  const what = `decode over 4 stages with ${delayMs} ms between them, ${size} q8_0`;
  const rows = [
    { ours: "plain", name: `mesh-four-stages-${size}`, what: `${what}, per token` },
    {
      ours: "drafting",
      name: `mesh-four-stages-drafting-${size}`,
      what: `${what}, prompt-lookup speculation, per token`,
    },
  ].map(({ ours, ...row }) => {
    const gate = ours === "plain" ? gates.plain : gates.drafting;
    return resultOf({ ...row, runtime, gate, checksum }, {
      ours,
      peer: "echo",
      printed: "an echo of the same frames",
    }, { times, context });
  });
  const { accepted, drafted } = drafts;
  const [parts, echo] = ["their parts", "echo"].map((name) => medianOf(times.get(name) ?? []));
  const notes = [
    `four stages, ${runtime}, ${size}: of ${drafted} drafted tokens ${accepted} were right, in an ` +
    "answer that quotes its prompt in three of four tokens; the tokens are the same",
    `four stages, ${runtime}, ${size}: computing a token takes ${
      ms(parts)
    } ms of all stages, the ` +
    `echo ${ms(echo)} ms: one after the other they are ${
      ((echo ?? NaN) / ((echo ?? NaN) + (parts ?? NaN))).toFixed(2)
    }x of the echo`,
  ];
  return { results: rows, notes };
}

/** Asks all, each round beginning with another, after one that only warms up. */
async function takeTurns(
  { rounds, tokens, warmTokens }: Turns,
  contenders: Contenders,
): Promise<{ readonly times: Times; readonly checksum: number }> {
  const times = new Map<string, number[]>();
  const add = (name: string, time: number): void =>
    void times.set(name, [...times.get(name) ?? [], time]);
  const all = Object.entries(contenders);
  for (const [, run] of all) await run(warmTokens);
  const checksums = new Set<number>();
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < all.length; turn++) {
      const [name, run] = all[(round + turn) % all.length] ?? [];
      if (name === undefined || run === undefined) continue;
      const { ms, units, promptMs, tokens: chosen } = await run(tokens);
      if (chosen !== undefined) checksums.add(checksumOf(chosen));
      add(name, ms * 1e6 / units);
      if (promptMs !== undefined) add(`${name}${promptOf}`, promptMs * 1e6);
    }
  }
  const [checksum = 0, ...others] = checksums;
  if (others.length === 0) return { times, checksum };
  throw new RangeError("Cannot compare stages with others as they chose other tokens");
}

/** What follows a contender's name in the times of its prompts. */
const promptOf = ", prompt";

function resultOf(
  row: Pick<RowResult, "name" | "what" | "runtime" | "gate" | "checksum">,
  { ours, peer, printed }: {
    readonly ours: string;
    readonly peer: string;
    readonly printed: string;
  },
  { times, context }: { readonly times: Times; readonly context: Context },
): RowResult {
  const ratio = ratioOf(times, { ours, peer });
  return {
    ...row,
    peer: printed,
    ratio,
    pass: context.small || row.gate === null || ratio >= row.gate,
    ourNs: medianOf(times.get(ours) ?? []),
    peerNs: medianOf(times.get(peer) ?? []),
    small: context.small,
  };
}

/** The median over rounds of the peer's time over ours. */
function ratioOf(
  times: Times,
  { ours, peer }: { readonly ours: string; readonly peer: string },
): number {
  const own = times.get(ours) ?? [];
  return medianOf((times.get(peer) ?? []).map((time, round) => time / (own[round] ?? NaN)));
}

function ms(ns: number | undefined): string {
  return ((ns ?? NaN) / 1e6).toFixed(2);
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

function textOf(count: number, promptTokens = promptTokensDefault): Text {
  const prompt = Array.from({ length: promptTokens }, (_, i) => promptToken(i, vocabularySize));
  return { prompt, count, speculate: 0, quotes: true };
}

/** FNV-1a of tokens, 32 bits. */
function checksumOf(tokens: readonly number[]): number {
  return tokens.reduce((hash, token) => Math.imul(hash ^ token, 0x01000193), 0x811c9dc5) >>> 0;
}
