// Goal: what nobody waits for any more is not computed. Method: a stage that is held up by one
// pipeline's rows while another's, which have little time, wait behind them.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { StageRefusal } from "../../src/stages/mod.ts";
import { Cluster, splitOf } from "./_cluster.ts";

test("PipelineExecutor tells stages how long a session's rows are wanted, and they drop what is late", async () => {
  const refusals: StageRefusal[] = [];
  const server = { onRefusal: (refusal: StageRefusal): void => void refusals.push(refusal) };
  const cluster = await Cluster.create([undefined, ...splitOf(5, 2)], { server });
  const { executor, server: stage } = cluster.node(1);
  if (executor === undefined) throw new TypeError("Node 1 holds layers");
  const { promise: held, resolve: release } = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  const forwardTokens = executor.forwardTokens?.bind(executor);
  let computed = 0;
  executor.forwardTokens = async (call) => {
    computed++;
    begun.resolve();
    await held;
    return await forwardTokens?.(call) ?? new Float32Array();
  };
  const [one, other] = [cluster.pipeline(), cluster.pipeline()];
  const tokens = Uint32Array.of(1, 2, 3);
  const step = { tokens, logits: "last" } as const;
  const first = one.step([{ ...step, session: one.openSession() }]);
  await begun.promise;
  const dueMs = cluster.clock.monotonicMs() + 20;
  const late = other.step([{ ...step, session: other.openSession({ dueMs }) }]);
  const refused = assert.rejects(
    late,
    (thrown) => thrown instanceof Error && "code" in thrown && thrown.code === "deadline",
  );
  await cluster.clock.sleep(40);
  release();
  assert.equal((await first).length, 512);
  await refused;
  assert.equal(computed, 1);
  assert.deepEqual(stage.counters().refusals, { deadline: 1 });
  assert.deepEqual(refusals.map(({ peer, code }) => [peer, code]), [
    [cluster.node(0).key, "deadline"],
  ]);
  // Enough time is as good as all of it.
  const due = cluster.clock.monotonicMs() + 60_000;
  const session = other.openSession({ dueMs: due });
  assert.equal((await other.step([{ ...step, session }])).length, 512);
  await cluster.close();
});
