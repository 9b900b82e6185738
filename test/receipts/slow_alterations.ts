/**
 * Alters receipts before they are signed, COUNT times over all kinds of alterations (10,000 without
 * an argument), and checks that each is found, and that who did it is named where the rules allow;
 * one in thirteen is honest and must be accepted. Every good receipt is shown under another request
 * too, and signed for once more by its requester, under another id, and by a stranger. Prints a line for each kind; ends with 1, and the seeds, when anything is not so. The
 * digest over all receipts is the same on every runtime and CPU.
 *
 *     deno run -A test/receipts/slow_alterations.ts 600
 */
import { createHash } from "node:crypto";
import { loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import {
  checkTranscript,
  judge,
  openReceipt,
  ReceiptError,
  recompute,
} from "../../src/receipts/mod.ts";
import type { Verdict } from "../../src/receipts/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { countOf } from "../_count.ts";
import { openFixture } from "../engine/_fixtures.ts";
import { alterations, answer, chooser } from "./_parties.ts";
import type { Alteration, Answer } from "./_parties.ts";

const count = countOf(process.argv[2] ?? "10000", "the count");

const kinds: readonly Alteration[] = [...alterations, "none"];
const root = "ab".repeat(32);

/** What became of the cases of one kind. */
interface Tally {
  cases: number;
  found: number;
  named: number;
  /** Of two parties one is to blame. */
  disputed: number;
  /** The alteration changed no number and no token. */
  harmless: number;
  /** Receipts refused under another request, requester or transcript. */
  replaysRefused: number;
}

const tallies = new Map<Alteration, Tally>(
  kinds.map((kind) => [
    kind,
    { cases: 0, found: 0, named: 0, disputed: 0, harmless: 0, replaysRefused: 0 },
  ]),
);
const failures: string[] = [];

const [executor, other] = await Promise.all(
  ["stories260K-q8_0", "stories260K-q4_0"].map(async (name) =>
    await loadExecutor({ ...await openFixture(name), contextMax: 64, threads: 1 })
  ),
);
if (executor === undefined || other === undefined) throw new Error("no executor");

const digest = createHash("sha256");
let before: Answer | undefined;
for (let seed = 0; seed < count; seed++) {
  const alteration = kinds[seed % kinds.length] ?? "none";
  const tally = tallies.get(alteration);
  if (tally === undefined) continue;
  tally.cases++;
  const random = new SeededRandom(seed);
  const made = await answer({ executor, other, root, random, alteration });
  digest.update(JSON.stringify([made.receipt, made.transcript]));
  const verdict = await check(made, executor, seed % 2 === 0);
  const problem = problemOf(made, verdict, { alteration, tally });
  if (problem !== undefined) failures.push(`${alteration}, seed ${seed}: ${problem}`);
  if (verdict.isGood && before !== undefined && await isReplayRefused(made, before)) {
    tally.replaysRefused++;
  } else if (verdict.isGood && before !== undefined) {
    failures.push(`${alteration}, seed ${seed}: it is accepted under another request`);
  }
  before = made;
}
executor.close();
other.close();

console.table(Object.fromEntries(tallies));
for (const failure of failures.slice(0, 20)) console.log(failure);
console.log(`${count} cases, ${failures.length} failures, digest ${digest.digest("hex")}`);
if (failures.length > 0) process.exitCode = 1;

async function check(made: Answer, model: ModelExecutor, withLeaves: boolean): Promise<Verdict> {
  const { opened, transcript } = made;
  checkTranscript(transcript, opened.request);
  const choose = chooser(made, transcript, model.shape.vocabularySize);
  const truth = await recompute({ receipt: opened, transcript, executor: model, choose });
  return judge(
    opened,
    truth,
    (stage, tree) => withLeaves ? made.leaves[stage]?.[tree].leaves() : undefined,
  );
}

/** Counts a case; what is wrong with its verdict, if anything. */
function problemOf(
  { guilty, transcript }: Answer,
  { isGood, finding }: Verdict,
  { alteration, tally }: { readonly alteration: Alteration; readonly tally: Tally },
): string | undefined {
  if (alteration === "none" || guilty.length === 0) {
    if (alteration !== "none") tally.harmless++;
    return isGood ? undefined : `an honest receipt is refused: ${JSON.stringify(finding)}`;
  }
  const chooses = alteration === "other-seed" || alteration === "other-sampling";
  if (isGood && chooses && transcript.outputTokens.length > 0) {
    tally.harmless++;
    return undefined;
  }
  if (finding === undefined) return "it is not found";
  tally.found++;
  if ("between" in finding) {
    tally.disputed++;
    return finding.between.some((key) => guilty.includes(key))
      ? undefined
      : "neither of the two that are named did it";
  }
  if (!guilty.includes(finding.blamed)) return `an honest party is blamed: ${finding.kind}`;
  tally.named++;
  return undefined;
}

/** Whether a good receipt is refused with another's request, stages, id, requester or transcript. */
async function isReplayRefused(one: Answer, two: Answer): Promise<boolean> {
  const again = await one.resign({ request: two.opened.request.request });
  const stolen = await one.steal();
  const attempts = [
    () => openReceipt({ ...one.receipt, request: two.receipt.request }, 5),
    () => openReceipt({ ...one.receipt, stages: two.receipt.stages }, 5),
    () => openReceipt(again, 5),
    () => openReceipt(stolen, 5),
    () => checkTranscript(one.transcript, two.opened.request),
  ];
  return attempts.every((attempt) => {
    try {
      attempt();
      return false;
    } catch (thrown) {
      return thrown instanceof ReceiptError && thrown.code === "mismatch";
    }
  });
}
