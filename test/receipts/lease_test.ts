/**
 * Goal: the stages of a long answer sign at each renewal, a replacement for all that it computed
 * again, and who is gone when the answer is complete is not missed. Method: virtual time.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  AnswerLease,
  openingDigest,
  openReceipt,
  openStageStatement,
} from "../../src/receipts/mod.ts";
import type { StageStatement } from "../../src/receipts/mod.ts";
import { VirtualClock } from "../../src/sim/mod.ts";
import { Cluster, clusterRoot, splitOf } from "../stages/_cluster.ts";
import { promptOf, receiptOf, verdictOf, write, Writer } from "./_answers.ts";

/** Lets virtual time pass until a promise settles. */
async function drive<T>(clock: VirtualClock, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settle = (): void => void (isSettled = true);
  promise.then(settle, settle);
  while (!isSettled) await clock.advance(500);
  return await promise;
}

interface Stage {
  readonly cluster: Cluster;
  readonly clock: VirtualClock;
  readonly writer: Writer;
  readonly lease: AnswerLease;
  readonly renewals: { readonly signed: number; readonly missed: number }[];
  /** What a node has signed last. */
  readonly statement: (node: number) => StageStatement | undefined;
  /** Writes tokens, half a minute each. */
  readonly tokens: (steps: number, before?: (step: number) => void) => Promise<void>;
}

/** Three nodes and a standby for the last, and an answer that is begun. */
async function withAnswer(run: (stage: Stage) => Promise<void>): Promise<void> {
  const clock = new VirtualClock();
  const parts = splitOf(5, 3);
  const options = { clock, executors: "reference" } as const;
  const cluster = await drive(clock, Cluster.create([...parts, parts[2]], options));
  const pipeline = cluster.pipeline(0);
  const writer = new Writer(pipeline, 5, promptOf(6, 12));
  const { mesh, identity: signer, witness } = cluster.node(0);
  const renewals: Stage["renewals"] = [];
  const parties = { requester: mesh.self, payer: mesh.self, root: clusterRoot };
  const { request, session } = writer;
  const about = { request, ...parties, class: "skep-q8a/1", session: session.id };
  const lease = new AnswerLease({
    ...{ clock, mesh, signer, witness, request },
    place: () => ({
      session: session.id,
      peers: session.places.map(({ peer }) => peer),
      to: Math.min(session.positionCount, writer.tokens.length - 1),
      opening: openingDigest(about),
    }),
    onRenewed: (renewal) => void renewals.push(renewal),
  });
  const statement = (node: number): StageStatement | undefined => {
    const signed = lease.statements(session.id).get(cluster.node(node).key);
    return signed === undefined ? undefined : openStageStatement(signed);
  };
  const tokens: Stage["tokens"] = async (steps, before = () => {}) => {
    await drive(
      clock,
      write(pipeline, [writer], {
        steps,
        before: async (step) => {
          before(step);
          await clock.sleep(30_000);
        },
      }),
    );
  };
  try {
    await run({ cluster, clock, writer, lease, renewals, statement, tokens });
  } finally {
    lease.end();
    await drive(clock, cluster.close());
  }
}

test("stages sign each minute for what was computed, each statement in place of the one before", () =>
  withAnswer(async ({ statement, tokens, renewals, clock, lease }) => {
    await tokens(3);
    const first = statement(1);
    assert.ok(first !== undefined && renewals.length === 1);
    await tokens(4);
    const second = statement(1);
    assert.ok(second !== undefined);
    assert.ok(second.serial > first.serial);
    assert.ok(second.positions.to > first.positions.to);
    assert.equal(second.positions.from, 0);
    assert.ok(renewals.every(({ signed, missed }) => signed === 3 && missed === 0));
    // Nothing new: nothing is asked.
    const count = renewals.length;
    await clock.advance(60_000);
    const after = renewals.length;
    await clock.advance(300_000);
    assert.ok(after - count <= 1 && renewals.length === after);
    assert.equal(lease.statements("ff".repeat(16)).size, 0);
    lease.end();
    const last = statement(1);
    await tokens(4);
    assert.equal(renewals.length, after);
    assert.deepEqual(statement(1), last);
  }));

test("a replacement signs for every position that it computed again", () =>
  withAnswer(async ({ cluster, statement, tokens, writer }) => {
    await tokens(4);
    const [before] = [2, 3].filter((node) => statement(node) !== undefined);
    assert.ok(before !== undefined);
    const standby = before === 2 ? 3 : 2;
    await tokens(5, (step) => {
      if (step === 1) cluster.kill(before);
    });
    const { positions, serial } = statement(standby) ?? assert.fail("it has not signed");
    assert.equal(positions.from, 0);
    assert.ok(positions.to > (statement(before)?.positions.to ?? 0));
    assert.equal(serial, 1);
    assert.ok(positions.to < writer.tokens.length);
  }));

test("who is gone at the end has signed up to its last renewal, and the receipt says so", () =>
  withAnswer(async ({ cluster, clock, lease, statement, tokens, writer }) => {
    await tokens(5);
    const [last] = [2, 3].filter((node) => statement(node) !== undefined);
    assert.ok(last !== undefined);
    await tokens(1);
    const signed = statement(last) ?? assert.fail("it has not signed");
    cluster.kill(last);
    await assert.rejects(drive(clock, receiptOf(cluster, writer)));
    const renewed = lease.statements(writer.session.id);
    const receipt = await drive(clock, receiptOf(cluster, writer, renewed));
    const { stages, request } = openReceipt(receipt, 5);
    const end = request.promptTokens + request.outputTokens - 1;
    assert.ok(signed.positions.to < end);
    const expected = [end, end, signed.positions.to];
    assert.deepEqual(stages.map(({ positions }) => positions.to), expected);
    const whole = await cluster.load();
    const { finding } = await drive(clock, verdictOf(receipt, writer, whole));
    assert.equal(finding, undefined, JSON.stringify(finding));
    // The token after what it has signed for is the requester's or the stage's doing.
    const transcript = writer.transcript();
    const outputTokens = transcript.outputTokens.map((token, i, all) =>
      i === all.length - 1 ? (token + 1) % 512 : token
    );
    const altered = { transcript: () => ({ ...transcript, outputTokens }) };
    const forged = Object.create(writer, { transcript: { value: altered.transcript } });
    const lie = await drive(clock, receiptOf(cluster, forged, renewed));
    const found = (await drive(clock, verdictOf(lie, altered, whole))).finding;
    assert.ok(found?.kind === "disputed-token", JSON.stringify(found));
    assert.deepEqual(found.between, [cluster.node(last).key, cluster.node(0).key]);
    whole.close();
  }));
