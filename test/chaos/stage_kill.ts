/**
 * Disturbs stages of a running mesh in the middle of answers, for real, and compares every stream with
 * the undisturbed one, byte for byte.
 *
 *     node test/chaos/stage_kill.ts 200 [kill|stop|hole|reset] [SEED]
 *     deno run -A test/chaos/stage_kill.ts 20 stop
 *
 * What the words mean is in `_disturbances.ts`. The stage is any of those that compute the answer, but
 * not the gateway; half of the rounds fall into the prompt, at any moment of it, the others between any
 * two pieces. The undisturbed answer comes second: after it the stages would know the prompt, and there
 * would be none to fall into. A round counts when a piece had come and one was owed, or when none had;
 * others are made up for. Up to two other answers run beside the one that is looked at. While a node
 * comes back, the next round begins if its layers are held by others; once it is back, all must see it.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { SeededRandom } from "../../src/sim/mod.ts";
import { countOf } from "../_count.ts";
import type { Ask, Streamed } from "./_ask_stream.ts";
import { disturbanceKinds, disturbanceOf, isTwin } from "./_disturbances.ts";
import type { Disturbance, DisturbanceKind } from "./_disturbances.ts";
import { MeshProcesses } from "./_mesh_processes.ts";
import type { LayerSpan, MeshNode } from "./_mesh_processes.ts";

/** What to do. */
export interface KillPlan {
  readonly rounds: number;
  readonly how: DisturbanceKind;
  readonly seed: number;
  /** @default two of each middle run; three where they stay away while rounds go on */
  readonly spans?: readonly LayerSpan[];
  readonly maxTokens?: number;
  /** Told of each round. */
  readonly onRound?: (round: KillRound) => void;
}

/** One round. */
export interface KillRound {
  readonly what: string;
  /** Pieces that had come when the stage was disturbed; 0 for the prompt. */
  readonly atPiece: number;
  readonly pieces: number;
  /** The longest gap between two pieces from then on, ms. */
  readonly pauseMs: number;
  /** Bytes of rows that were sent again, for all answers of the round. */
  readonly replayedBytes: number;
  readonly streams: number;
}

/** What happened. */
export interface KillReport {
  readonly rounds: readonly KillRound[];
  /** Rounds that did not count, as the answer was over. */
  readonly missed: number;
  /** From the end of each disturbance until all nodes saw the node again, ms. */
  readonly backMs: readonly number[];
  /** Rounds whose answer was computed by a node that had been away before. */
  readonly byReturned: number;
}

/** Runs the rounds. @throws {AssertionError} when a stream is not the undisturbed one */
export async function killStages(plan: KillPlan): Promise<KillReport> {
  const holders = plan.how === "kill" || plan.rounds === 1 ? 2 : 3;
  const spans = plan.spans ?? [
    [0, 2],
    ...Array.from({ length: holders }, (): LayerSpan => [2, 4]),
    ...Array.from({ length: holders }, (): LayerSpan => [4, 6]),
  ];
  const wired = plan.how === "hole" || plan.how === "reset";
  const mesh = await MeshProcesses.start({ spans, wired });
  try {
    return await new Rounds(mesh, plan).run();
  } catch (thrown) {
    console.error(mesh.printed());
    throw thrown;
  } finally {
    await mesh.stop();
  }
}

/** When in an answer it is disturbed: after a piece, or in the prompt, so many ms after it was asked. */
interface Moment {
  readonly atPiece: number;
  readonly afterMs: number;
}

/** What a disturbed answer was like. */
interface Struck {
  readonly streamed: readonly Streamed[];
  readonly atMs: number;
  readonly counts: boolean;
}

class Rounds {
  readonly #mesh: MeshProcesses;
  readonly #plan: KillPlan;
  readonly #random: SeededRandom;
  /** Nodes that are away, until they are back. */
  readonly #away = new Map<MeshNode, Promise<void>>();
  readonly #struck = new Set<MeshNode>();
  readonly #returned = new Set<MeshNode>();
  readonly #rounds: KillRound[] = [];
  readonly #backMs: number[] = [];
  #wordMs = 0;
  #missed = 0;
  #byReturned = 0;

  constructor(mesh: MeshProcesses, plan: KillPlan) {
    this.#mesh = mesh;
    this.#plan = plan;
    this.#random = new SeededRandom(plan.seed);
  }

  async run(): Promise<KillReport> {
    const ask = this.#ask();
    this.#learn(ask, await this.#mesh.stream(ask));
    while (this.#rounds.length < this.#plan.rounds) await this.#round();
    await Promise.all(this.#away.values());
    for (const from of this.#mesh.nodes) await this.#mesh.untilLinked({ from });
    assert.equal(this.#struck.size, 0);
    const [rounds, missed] = [this.#rounds, this.#missed];
    return { rounds, missed, backMs: this.#backMs, byReturned: this.#byReturned };
  }

  async #round(): Promise<void> {
    const random = this.#random;
    const asks = Array.from({ length: 1 + random.below(3) }, () => this.#ask());
    const route = await this.#mesh.activeStages();
    const victim = route[random.below(route.length)];
    assert(victim !== undefined, "the answer is computed by stages");
    await this.#untilSpare(victim);
    const moment = this.#moment(asks[0]);
    const how = { mesh: this.#mesh, victim, route, random };
    const disturbance = disturbanceOf(this.#plan.how, how);
    const before = await this.#mesh.figure("skep_stage_replayed_bytes");
    this.#struck.add(victim);
    const struck = await this.#strike(asks, { disturbance, moment });
    const after = await this.#mesh.figure("skep_stage_replayed_bytes");
    const back = this.#comeBack(victim, disturbance);
    // Who waits for the node, or for the end, learns that it has not come back.
    back.catch(() => {});
    this.#away.set(victim, back);
    const undisturbed = await Promise.all(asks.map((ask) => this.#mesh.stream(ask)));
    const place = `seed ${this.#plan.seed}, round ${this.#rounds.length + this.#missed}, ` +
      `${disturbance.what}, ${JSON.stringify(moment)}`;
    for (const [i, { text, finish }] of struck.streamed.entries()) {
      assert.equal(text, undisturbed[i]?.text, place);
      assert.equal(finish, undisturbed[i]?.finish, place);
    }
    if (moment.atPiece > 0) this.#learn(asks[0], struck.streamed[0]);
    this.#note(struck, { what: disturbance.what, moment, replayedBytes: after - before });
    if (route.some((node) => this.#returned.has(node))) this.#byReturned++;
    // A hole may hold others too, so nothing is parted twice at a time.
    if (this.#mesh.wiring !== undefined) await back;
  }

  /** In half of the rounds within the time that the prompt is going to take, as far as is known. */
  #moment(ask: Ask | undefined): Moment {
    const random = this.#random;
    assert(ask !== undefined);
    if (random.below(2) === 0) {
      const promptMs = Math.max(1, Math.floor(this.#wordMs * wordsOf(ask)));
      return { atPiece: 0, afterMs: random.below(promptMs) };
    }
    return { atPiece: 1 + random.below(ask.maxTokens - 1), afterMs: 0 };
  }

  /** Notes how long a word of a prompt took that was computed for the first time. */
  #learn(ask: Ask | undefined, streamed: Streamed | undefined): void {
    const [firstMs] = streamed?.atMs ?? [];
    if (ask === undefined || streamed === undefined || firstMs === undefined) return;
    this.#wordMs = (firstMs - streamed.askedMs) / wordsOf(ask);
  }

  #ask(): Ask {
    const random = this.#random;
    return {
      // Some prompts take several chunks, so that prefill can be hit.
      prompt: Array.from({ length: 20 + random.below(300) }, () => `w${random.below(1000)}`)
        .join(" "),
      seed: random.below(2 ** 31),
      temperature: random.below(2),
      maxTokens: this.#plan.maxTokens ?? 48,
    };
  }

  /** Waits until a node is back in everybody's view, and somebody else who is well has its layers. */
  async #untilSpare(victim: MeshNode): Promise<void> {
    await this.#away.get(victim);
    const twins = this.#mesh.nodes.filter((node) => node !== victim && isTwin(node, victim));
    if (twins.some((node) => !this.#away.has(node))) return;
    await Promise.race(twins.map((node) => this.#away.get(node)));
  }

  async #strike(
    asks: readonly Ask[],
    { disturbance, moment: { atPiece, afterMs } }: {
      readonly disturbance: Disturbance;
      readonly moment: Moment;
    },
  ): Promise<Struck> {
    let [atMs, pieces, isOver, counts] = [0, 0, false, false];
    const strike = (): void => {
      if (atMs !== 0) return;
      atMs = performance.now();
      // Nothing had come means that the prompt is being computed.
      counts = !isOver && (atPiece > 0 || pieces === 0);
      disturbance.strike();
    };
    const timer = atPiece === 0 ? setTimeout(strike, afterMs) : undefined;
    const onPiece = (count: number): void => {
      pieces = count;
      if (atPiece > 0 && count === atPiece) strike();
    };
    const streamed = await Promise.all(
      asks.map((ask, i) => this.#mesh.stream(ask, { onPiece: i === 0 ? onPiece : undefined })),
    );
    isOver = true;
    clearTimeout(timer);
    strike();
    return { streamed, atMs, counts: counts && pieces > atPiece };
  }

  #note(
    { streamed, atMs, counts }: Struck,
    { what, moment: { atPiece }, replayedBytes }: {
      readonly what: string;
      readonly moment: Moment;
      readonly replayedBytes: number;
    },
  ): void {
    const [first] = streamed;
    if (!counts || first === undefined) return void this.#missed++;
    const pauseMs = longestGap([atMs, ...first.atMs.filter((ms) => ms >= atMs)]);
    const pieces = first.atMs.length;
    const round = { what, atPiece, pieces, pauseMs, replayedBytes, streams: streamed.length };
    this.#rounds.push(round);
    this.#plan.onRound?.(round);
  }

  /** Ends a disturbance, and waits until all others see the node again, and it them. */
  async #comeBack(victim: MeshNode, disturbance: Disturbance): Promise<void> {
    await disturbance.end();
    const sinceMs = performance.now();
    const isWell = (node: MeshNode): boolean => node === victim || !this.#struck.has(node);
    await this.#mesh.untilLinked({ from: victim, isWell });
    for (const from of this.#mesh.nodes) {
      await this.#mesh.untilLinked({ from, to: [victim], isWell });
    }
    this.#backMs.push(performance.now() - sinceMs);
    this.#struck.delete(victim);
    this.#away.delete(victim);
    this.#returned.add(victim);
  }
}

function wordsOf({ prompt }: Ask): number {
  return prompt.split(" ").length;
}

function longestGap(times: readonly number[]): number {
  return Math.max(0, ...times.slice(1).map((ms, i) => ms - (times[i] ?? ms)));
}

/** The value below which so much of the sorted values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

function isKind(text: string): text is DisturbanceKind {
  return disturbanceKinds.some((kind) => kind === text);
}

function told({ what, atPiece, pieces, pauseMs, replayedBytes, streams }: KillRound): string {
  const place = atPiece === 0 ? "in the prompt" : `after piece ${atPiece} of ${pieces}`;
  return `${what}, ${place}: pause ${pauseMs.toFixed(0)} ms, ` +
    `${replayedBytes} bytes replayed for ${streams} answers`;
}

function summary({ rounds, missed, backMs, byReturned }: KillReport): string {
  const pauses = rounds.map(({ pauseMs }) => pauseMs);
  const bytes = rounds.map(({ replayedBytes }) => replayedBytes);
  const inPrompt = rounds.filter(({ atPiece }) => atPiece === 0).length;
  const streams = rounds.reduce((sum, one) => sum + one.streams, 0);
  return [
    `${rounds.length} rounds (${inPrompt} in the prompt, ${missed} made up for), ` +
    `${streams} streams: all complete, and as undisturbed`,
    `pause: median ${quantile(pauses, 0.5).toFixed(0)} ms, ` +
    `95th percentile ${quantile(pauses, 0.95).toFixed(0)} ms`,
    `bytes replayed: ${bytes.reduce((sum, one) => sum + one, 0)} in all, ` +
    `median ${quantile(bytes, 0.5)} a round`,
    `back in everybody's view: median ${quantile(backMs, 0.5).toFixed(0)} ms, ` +
    `longest ${Math.max(0, ...backMs).toFixed(0)} ms after the disturbance's end; ` +
    `${byReturned} rounds were computed by nodes that had been away`,
  ].join("\n");
}

if (import.meta.main) {
  const [count = "20", how = "kill", seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
  if (!isKind(how)) {
    throw new TypeError(
      `Cannot disturb as the second argument must be one of ${disturbanceKinds.join(", ")}: ` +
        `current value is "${how}"`,
    );
  }
  const plan = { rounds: countOf(count, "the count"), how, seed: countOf(seed, "the seed") };
  console.log(`seed ${seed}`);
  const beganMs = performance.now();
  const report = await killStages({ ...plan, onRound: (round) => console.log(told(round)) });
  console.log(summary(report));
  console.log(`took ${((performance.now() - beganMs) / 1000).toFixed(0)} s`);
}
