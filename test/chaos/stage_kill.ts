/**
 * Kills stages of a running mesh in the middle of answers, for real, and compares every stream with
 * the undisturbed one, byte for byte.
 *
 *     node test/chaos/stage_kill.ts 200 [kill|stop] [SEED]
 *     deno run -A test/chaos/stage_kill.ts 20 stop
 *
 * "kill" is kill -9, "stop" is SIGSTOP for 30 seconds. A round counts when a token had come and one
 * was owed, or when it fell into the prompt; others are made up for.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { setTimeout as sleep } from "node:timers/promises";
import { SeededRandom } from "../../src/sim/mod.ts";
import { type Ask, type LayerSpan, type MeshNode, MeshProcesses } from "./_mesh_processes.ts";

/** How a stage is disturbed. */
export type Disturbance = "kill" | "stop";

/** What to do. */
export interface KillPlan {
  readonly rounds: number;
  readonly how: Disturbance;
  readonly seed: number;
  /** @default two of each middle run */
  readonly spans?: readonly LayerSpan[];
  readonly maxTokens?: number;
  /** Told of each round. */
  readonly onRound?: (round: KillRound) => void;
}

/** One round. */
export interface KillRound {
  readonly stage: number;
  /** Pieces that had come when the stage was disturbed; 0 for the prompt. */
  readonly atPiece: number;
  readonly pieces: number;
  /** The longest gap between two pieces from then on, ms. */
  readonly pauseMs: number;
}

/** What happened. */
export interface KillReport {
  readonly rounds: readonly KillRound[];
  /** Rounds that did not count, as the answer was over. */
  readonly missed: number;
}

const spansDefault: readonly LayerSpan[] = [[0, 2], [2, 4], [2, 4], [4, 6], [4, 6]];
const stopMs = 30_000;

/** Runs the rounds. @throws {AssertionError} when a stream is not the undisturbed one */
export async function killStages(plan: KillPlan): Promise<KillReport> {
  const { spans = spansDefault, maxTokens = 48, how, onRound } = plan;
  const random = new SeededRandom(plan.seed);
  const mesh = await MeshProcesses.start({ spans });
  const rounds: KillRound[] = [];
  let missed = 0;
  try {
    while (rounds.length < plan.rounds) {
      const ask: Ask = {
        // Some prompts take several chunks, so that prefill can be hit.
        prompt: words(random, 20 + random.below(300)),
        seed: random.below(2 ** 31),
        temperature: random.below(2),
        maxTokens,
      };
      const undisturbed = await mesh.stream(ask);
      const stages = await mesh.activeStages();
      assert(stages.length > 0, "the answer is computed by stages");
      const victim = stages[random.below(stages.length)] as MeshNode;
      // A third of the rounds falls into the prompt.
      const atPiece = random.below(3) === 0 ? 0 : 1 + random.below(undisturbed.atMs.length - 1);
      const round = await disturbedRound(mesh, { ask, victim, atPiece, how, random });
      const where = `seed ${plan.seed}, round ${rounds.length}, stage ${victim.index}, ` +
        `piece ${atPiece}\n${mesh.printed()}`;
      assert.equal(round.streamed.text, undisturbed.text, where);
      assert.equal(round.streamed.finish, undisturbed.finish, where);
      if (round.counts) {
        const { atMs } = round.streamed;
        const pauseMs = longestGap([round.atMs, ...atMs.filter((ms) => ms >= round.atMs)]);
        const done = { stage: victim.index, atPiece, pieces: atMs.length, pauseMs };
        rounds.push(done);
        onRound?.(done);
      } else missed++;
      await revive(mesh, { victim, how });
    }
    return { rounds, missed };
  } finally {
    await mesh.stop();
  }
}

async function disturbedRound(
  mesh: MeshProcesses,
  about: {
    readonly ask: Ask;
    readonly victim: MeshNode;
    readonly atPiece: number;
    readonly how: Disturbance;
    readonly random: SeededRandom;
  },
): Promise<{
  readonly streamed: Awaited<ReturnType<MeshProcesses["stream"]>>;
  readonly atMs: number;
  readonly counts: boolean;
}> {
  const { ask, victim, atPiece, how, random } = about;
  let [atMs, pieces, isOver] = [0, 0, false];
  let counts = false;
  function disturb(): void {
    if (atMs !== 0) return;
    atMs = performance.now();
    // Nothing had come means that the prompt is being computed.
    counts = !isOver && (atPiece > 0 || pieces === 0);
    process.kill(victim.started.child.pid ?? 0, how === "kill" ? "SIGKILL" : "SIGSTOP");
  }
  // Within the prompt: some milliseconds after it was sent.
  const timer = atPiece === 0 ? setTimeout(disturb, 2 + random.below(40)) : undefined;
  const streamed = await mesh.stream(ask, {
    onPiece: (count) => {
      pieces = count;
      if (atPiece > 0 && count === atPiece) disturb();
    },
  });
  isOver = true;
  clearTimeout(timer);
  disturb();
  return { streamed, atMs, counts: counts && pieces > atPiece };
}

async function revive(
  mesh: MeshProcesses,
  { victim, how }: { readonly victim: MeshNode; readonly how: Disturbance },
): Promise<void> {
  if (how === "kill") {
    await victim.started.exit;
    await mesh.restart(victim);
  } else {
    await sleep(stopMs);
    process.kill(victim.started.child.pid ?? 0, "SIGCONT");
  }
  await mesh.untilLinked();
}

function words(random: SeededRandom, count: number): string {
  return Array.from({ length: count }, () => `w${random.below(1000)}`).join(" ");
}

function longestGap(times: readonly number[]): number {
  return Math.max(0, ...times.slice(1).map((ms, i) => ms - (times[i] ?? ms)));
}

/** The value below which so much of the sorted values lies. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

if (import.meta.main) {
  const [count = "20", how = "kill", seed = String(Date.now() % 2 ** 31)] = process.argv.slice(2);
  if (how !== "kill" && how !== "stop") throw new TypeError(`Cannot disturb by "${how}"`);
  console.log(`seed ${seed}`);
  const report = await killStages({
    rounds: Number(count),
    how,
    seed: Number(seed),
    onRound: ({ stage, atPiece, pieces, pauseMs }) => {
      const place = atPiece === 0 ? "in the prompt" : `after piece ${atPiece} of ${pieces}`;
      console.log(`stage ${stage}, ${place}: pause ${pauseMs.toFixed(0)} ms`);
    },
  });
  const pauses = report.rounds.map(({ pauseMs }) => pauseMs);
  const inPrompt = report.rounds.filter(({ atPiece }) => atPiece === 0).length;
  console.log(
    `${report.rounds.length} rounds (${inPrompt} in the prompt, ${report.missed} made up for): ` +
      `all streams as undisturbed; pause median ${quantile(pauses, 0.5).toFixed(0)} ms, ` +
      `95th percentile ${quantile(pauses, 0.95).toFixed(0)} ms`,
  );
}
