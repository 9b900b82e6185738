/**
 * Kills a process in the middle of appending, for real, and checks the journal: every acknowledged
 * event is there, everything verifies, nothing is numbered twice.
 *
 *     node test/chaos/journal_kill.ts 50 1000
 *     deno run -A test/chaos/journal_kill.ts 50 1000
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { openIdentity } from "../../src/identity/mod.ts";
import { openJournal, readJournal } from "../../src/journal/mod.ts";
import { realClock, realDisk, realRandom } from "../../src/ports/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { countOf } from "../_count.ts";
import { kill, startChild } from "../store/_children.ts";

/** How often, how much, and the seed of the moments. */
export interface KillPlan {
  readonly rounds: number;
  readonly appends: number;
  readonly seed: number;
}

/** What happened. */
export interface KillReport {
  /** Events acknowledged over all rounds, all of which were found. */
  readonly acknowledged: number;
  /** Rounds in which the child was killed before it was done. */
  readonly killed: number;
  /** Restarts that cut a torn end. */
  readonly cut: number;
  /** Events in the journal at the end. */
  readonly events: number;
}

/** Runs the rounds in one directory, so that each restarts from what the one before left. */
export async function killRounds(plan: KillPlan): Promise<KillReport> {
  const root = await mkdtemp(join(tmpdir(), "skep-chaos-"));
  const random = new SeededRandom(plan.seed);
  const acknowledged = new Map<number, string>();
  let [killed, cut, events] = [0, 0, 0];
  try {
    for (let round = 0; round < plan.rounds; round++) {
      const killAfter = random.below(plan.appends);
      const delayMs = random.below(20);
      const args = [root, String(plan.appends), String(round)];
      const lines = await runAndKill(args, { killAfter, delayMs });
      for (const line of lines) {
        const [seq, rid] = line.split(" ");
        assert.equal(acknowledged.has(Number(seq)), false, `event ${seq} acknowledged twice`);
        acknowledged.set(Number(seq), rid ?? "");
      }
      if (lines.length < plan.appends) killed++;
      const found = await checkJournal(root, acknowledged);
      if (found.cutBytes > 0) cut++;
      events = found.events;
    }
  } finally {
    await rm(root, { recursive: true });
  }
  return { acknowledged: acknowledged.size, killed, cut, events };
}

/** The acknowledgements that got out before the kill. */
async function runAndKill(
  args: readonly string[],
  moment: { readonly killAfter: number; readonly delayMs: number },
): Promise<string[]> {
  const child = startChild(new URL("./_journal_child.ts", import.meta.url), args);
  child.process.stdin.end();
  let text = "";
  const drained = new Promise<void>((resolve) =>
    child.process.stdout.once("close", () => resolve())
  );
  const reached = new Promise<void>((resolve) => {
    child.process.stdout.on("data", (chunk: Uint8Array) => {
      text += new TextDecoder().decode(chunk);
      if (text.split("\n").length - 2 >= moment.killAfter) resolve();
    });
  });
  await Promise.race([reached, child.ended]);
  await new Promise((resolve) => setTimeout(resolve, moment.delayMs));
  await kill(child);
  await drained;
  assert.ok(text.startsWith("ready\n"), "the child did not get to work");
  return text.split("\n").slice(1, -1);
}

async function checkJournal(
  root: string,
  acknowledged: ReadonlyMap<number, string>,
): Promise<{ cutBytes: number; events: number }> {
  const disk = realDisk();
  const directory = `${root}/journal`;
  const identity = await openIdentity({ disk, path: `${root}/node.key`, random: realRandom() });
  const journal = await openJournal({ disk, clock: realClock(), identity, directory });
  const { cutBytes } = journal.status().recovered;
  await journal.close();
  const reader = readJournal({ disk, directory });
  const report = await reader.verify();
  assert.deepEqual(report.problems, []);
  let seen = 0;
  for await (const event of reader.range()) {
    const rid = acknowledged.get(event.seq);
    if (rid === undefined) continue;
    assert.equal(event.rid, rid);
    seen++;
  }
  assert.equal(seen, acknowledged.size, "an acknowledged event is missing");
  return { cutBytes, events: report.events };
}

if (import.meta.main) {
  const [rounds = "50", appends = "1000", seed = "1"] = process.argv.slice(2);
  const plan = {
    rounds: countOf(rounds, "the count"),
    appends: countOf(appends, "the count of events"),
    seed: countOf(seed, "the seed"),
  };
  console.log(JSON.stringify({ ...plan, ...await killRounds(plan) }));
}
