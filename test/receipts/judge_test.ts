/**
 * Goal: honest receipts are accepted; one that was altered before it was signed is refused, and who
 * did it is named where the rules allow. SKEP_TEST_RUNS multiplies the cases.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadExecutor } from "../../src/engine/mod.ts";
import type { ModelExecutor } from "../../src/engine/mod.ts";
import {
  checkTranscript,
  judge,
  openReceipt,
  parseReceipt,
  ReceiptError,
  recompute,
} from "../../src/receipts/mod.ts";
import type { Verdict } from "../../src/receipts/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { openFixture } from "../engine/_fixtures.ts";
import { alterations, answer, chooser } from "./_parties.ts";
import type { Alteration, Answer } from "./_parties.ts";

const cases = 3 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);
const root = "ab".repeat(32);

async function withExecutors(
  body: (executor: ModelExecutor, other: ModelExecutor) => Promise<void>,
): Promise<void> {
  const [executor, other] = await Promise.all(
    ["stories260K-q8_0", "stories260K-q4_0"].map(async (name) =>
      await loadExecutor({ ...await openFixture(name), contextMax: 64, threads: 1 })
    ),
  );
  if (executor === undefined || other === undefined) throw new Error("no executor");
  try {
    await body(executor, other);
  } finally {
    executor.close();
    other.close();
  }
}

async function check(made: Answer, executor: ModelExecutor, withLeaves = true): Promise<Verdict> {
  const { opened, transcript } = made;
  checkTranscript(transcript, opened.request);
  const choose = chooser(made, transcript, executor.shape.vocabularySize);
  const truth = await recompute({ receipt: opened, transcript, executor, choose });
  return judge(
    opened,
    truth,
    (stage, tree) => withLeaves ? made.leaves[stage]?.[tree].leaves() : undefined,
  );
}

test("honest receipts are accepted, however the layers are split", () =>
  withExecutors(async (executor, other) => {
    for (let seed = 0; seed < 3 * cases; seed++) {
      const random = new SeededRandom(seed);
      const made = await answer({ executor, other, root, random, alteration: "none" });
      const verdict = await check(made, executor);
      assert.deepEqual(verdict.finding, undefined, `seed ${seed}`);
      assert.equal(verdict.isGood, true);
      const again = openReceipt(parseReceipt(JSON.stringify(made.receipt)), 5);
      assert.deepEqual(again, made.opened);
    }
  }));

for (const alteration of alterations) {
  test(`a receipt with ${alteration.replaceAll("-", " ")} is refused, and who did it is named`, () =>
    withExecutors(async (executor, other) => {
      let altered = 0;
      for (let seed = 0; altered < cases; seed++) {
        assert(seed < 40 * cases, "it is altered often enough");
        const random = new SeededRandom(seed);
        const made = await answer({ executor, other, root, random, alteration });
        const verdict = await check(made, executor, seed % 2 === 0);
        const where = `seed ${seed}`;
        if (made.guilty.length === 0 || isHarmless(made, verdict, alteration)) {
          assert.equal(verdict.isGood, true, where);
          continue;
        }
        altered++;
        assertNamed(verdict, made, where);
      }
    }));
}

/** Another seed or temperature that happens to choose the very same tokens is no other answer. */
function isHarmless(made: Answer, verdict: Verdict, alteration: Alteration): boolean {
  return verdict.isGood && (alteration === "other-seed" || alteration === "other-sampling") &&
    made.transcript.outputTokens.length > 0;
}

function assertNamed({ finding }: Verdict, { guilty }: Answer, where: string): void {
  assert(finding !== undefined, where);
  if ("between" in finding) {
    assert(finding.between.some((key) => guilty.includes(key)), where);
  } else assert(guilty.includes(finding.blamed), `${where}: ${JSON.stringify(finding)}`);
}

test("with the stage's leaves the first wrong position is named", () =>
  withExecutors(async (executor, other) => {
    let named = 0;
    for (let seed = 0; seed < 20; seed++) {
      const plan = { executor, other, root, alteration: "flipped-bit" } as const;
      const made = await answer({ ...plan, random: new SeededRandom(seed) });
      const { finding } = await check(made, executor);
      if (finding?.kind !== "wrong-output") continue;
      assert(finding.position !== undefined && finding.position < 4, `seed ${seed}`);
      const without = await check(made, executor, false);
      const { position: _, ...rest } = finding;
      assert.deepEqual(without.finding, rest);
      named++;
    }
    assert(named > 10);
  }));

test("a good receipt shown under another request, requester, payer, model or class is refused", () =>
  withExecutors(async (executor, other) => {
    const plan = { executor, other, root, alteration: "none" } as const;
    const one = await answer({ ...plan, random: new SeededRandom(1) });
    const two = await answer({ ...plan, random: new SeededRandom(2) });
    const refused = (receipt: Answer["receipt"], code: string): void =>
      assert.throws(
        () => openReceipt(receipt, executor.shape.layerCount),
        (thrown) => thrown instanceof ReceiptError && thrown.code === code,
      );
    refused({ ...one.receipt, request: two.receipt.request }, "mismatch");
    refused({ ...one.receipt, stages: two.receipt.stages }, "mismatch");
    refused({ ...one.receipt, stages: one.receipt.stages.slice(1) }, "mismatch");
    const statement = JSON.parse(one.receipt.request.statement);
    // Signed anew by who may, and by who may not.
    for (const replay of [one.resign({ request: two.opened.request.request }), one.steal()]) {
      refused(await replay, "mismatch");
    }
    refused(await one.resign({ payer: two.opened.request.payer }), "mismatch");
    refused(await one.resign({ root: "cd".repeat(32) }), "mismatch");
    refused(await one.resign({ class: "skep-q8a-kv16/1" }), "mismatch");
    refused(await one.resign({ session: null }), "mismatch");
    for (const change of [{ requester: "0".repeat(64) }, { seed: 1 }, { outputTokens: 1 }]) {
      const text = JSON.stringify({ ...statement, ...change });
      refused(
        { ...one.receipt, request: { ...one.receipt.request, statement: text } },
        "signature",
      );
    }
    assert.throws(() => checkTranscript(one.transcript, two.opened.request), {
      name: "ReceiptError",
      code: "mismatch",
    });
  }));
