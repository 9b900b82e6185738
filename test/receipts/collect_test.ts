// Goal: honest stages' receipts are accepted, whatever happened to the answer: split anywhere,
// computed in batches, guesses taken back, prompts known before, stages lost and replaced; a stage
// that computes something else is named; nobody else can have a session signed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeHex } from "../../src/hot/mod.ts";
import {
  askStage,
  isInTree,
  openReceipt,
  openStageStatement,
  positionsOf,
} from "../../src/receipts/mod.ts";
import { isLong } from "../_long.ts";
import { Cluster, splitOf } from "../stages/_cluster.ts";
import type { NodePart } from "../stages/_cluster.ts";
import { promptOf, receiptOf, verdictOf, write, Writer } from "./_answers.ts";

async function assertAccepted(cluster: Cluster, writers: readonly Writer[]): Promise<void> {
  const whole = await cluster.load();
  for (const writer of writers) {
    const receipt = await receiptOf(cluster, writer);
    const { finding } = await verdictOf(receipt, writer, whole);
    assert.equal(finding, undefined, JSON.stringify(finding));
  }
  whole.close();
}

const layouts: readonly (readonly [string, (NodePart | undefined)[]])[] = [
  ["two nodes", splitOf(5, 2)],
  ["two others, who have embedding and head", [undefined, ...splitOf(5, 2)]],
  ["five nodes", splitOf(5, 5)],
  ["two, embedding and head at the requester", [
    { from: 0, to: 2, embedding: true, head: true },
    { from: 2, to: 5, embedding: false, head: false },
  ]],
];

for (const [name, parts] of layouts) {
  test(`receipts of ${name} are accepted: in batches, with guesses taken back, with known prompts`, async () => {
    const cluster = await Cluster.create(parts);
    const pipeline = cluster.pipeline(0, { chunkRows: 13 });
    const prompts = [promptOf(1, 70), promptOf(2, 9), promptOf(3, 33)];
    const writers = prompts.map((prompt, i) => new Writer(pipeline, i + 1, prompt));
    await write(pipeline, writers);
    await assertAccepted(cluster, writers);
    for (const { session } of writers) session.drop();
    // The same prompt again: its pages are known, and not signed for once more.
    const again = new Writer(pipeline, 7, promptOf(1, 70));
    await write(pipeline, [again]);
    const receipt = await receiptOf(cluster, again);
    const signed = openReceipt(receipt, 5).stages.map(({ positions }) => positions.from);
    assert.ok(signed.every((from) => from === 64), `${signed}`);
    await assertAccepted(cluster, [again]);
    await cluster.close();
  });
}

test("receipts are accepted after stages were lost in the middle of answers", async () => {
  for (const victim of isLong ? [1, 2, 3] : [2]) {
    const parts = splitOf(5, 4);
    const cluster = await Cluster.create([...parts, ...parts.slice(1)]);
    const pipeline = cluster.pipeline(0);
    const writers = [promptOf(4, 40), promptOf(5, 6)].map((prompt, i) =>
      new Writer(pipeline, 20 + i, prompt)
    );
    await write(pipeline, writers, {
      before: (step) => {
        if (step === 4) cluster.kill(victim);
      },
    });
    const dead = cluster.node(victim).key;
    for (const { session } of writers) {
      assert.ok(session.places.every(({ peer }) => peer !== dead));
    }
    await assertAccepted(cluster, writers);
    await cluster.close();
  }
});

test("a stage with other weights is named by what it signed itself", async () => {
  const cluster = await Cluster.create(splitOf(5, 3));
  // The second node computes its layers with another file of the model.
  const other = await Cluster.create([undefined, { from: 2, to: 3 }], {
    fixture: "stories260K-q4_0",
  });
  const { executor } = other.node(1);
  const honest = cluster.node(1).executor;
  assert.ok(executor !== undefined && honest !== undefined);
  honest.forward = executor.forward.bind(executor);
  honest.openSession = executor.openSession.bind(executor);
  const pipeline = cluster.pipeline(0);
  const writer = new Writer(pipeline, 5, promptOf(6, 12));
  await write(pipeline, [writer]);
  const whole = await cluster.load();
  const { finding } = await verdictOf(await receiptOf(cluster, writer), writer, whole);
  assert.deepEqual(finding, {
    kind: "wrong-output",
    blamed: cluster.node(1).key,
    stage: 1,
  });
  whole.close();
  await cluster.close();
  await other.close();
});

test("a stage signs for who opened the session, for one request, and shows leaves with their path", async () => {
  const cluster = await Cluster.create(splitOf(5, 2));
  await cluster.add(undefined);
  const pipeline = cluster.pipeline(0);
  const writer = new Writer(pipeline, 5, promptOf(6, 12));
  await write(pipeline, [writer]);
  const receipt = await receiptOf(cluster, writer);
  const { stages, request } = openReceipt(receipt, 5);
  const { key } = cluster.node(1);
  const { session: { id: session } } = writer;
  const ask = { kind: "sign", session, request: writer.request, to: 12 } as const;
  const own = { mesh: cluster.node(0).mesh, clock: cluster.clock };
  const refused = { name: "ReceiptError", code: "refused" };
  const stranger = { mesh: cluster.node(2).mesh, clock: cluster.clock };
  await assert.rejects(askStage(key, ask, stranger), refused);
  await assert.rejects(askStage(key, { ...ask, request: "ab".repeat(32) }, own), refused);
  await assert.rejects(askStage(key, { ...ask, to: 1000 }, own), refused);
  await assert.rejects(askStage(key, { ...ask, session: "zz" }, own), refused);
  const long = "9".repeat(800) as unknown as number;
  await assert.rejects(askStage(key, { ...ask, to: long }, own), refused);
  const answer = await askStage(key, ask, own);
  assert.ok(answer.kind === "signed");
  assert.equal(openStageStatement(answer.signed).serial, 2);
  const end = positionsOf(request);
  const where = { kind: "leaves", session, tree: "output", from: 5, to: 7, end } as const;
  await assert.rejects(askStage(key, where, stranger), refused);
  const kept = await askStage(key, where, own);
  assert.ok(kept.kind === "leaves");
  const leaf = decodeHex(kept.leaves.slice(0, 64));
  const root = decodeHex(stages[1]?.outputRoot ?? "");
  const path = decodeHex(kept.path);
  assert.ok(isInTree({ root, count: kept.count, at: 5, leaf, path }));
  assert.ok(!isInTree({ root, count: kept.count, at: 6, leaf, path }));
  assert.equal(cluster.node(1).witness.counters().signed, 2);
  await cluster.close();
});
