// Goal: a lost stage is taken over by who was named for it, in the order of their naming, and not by
// whoever is found first. Method: a router that is told of newcomers before standbys, and of these in
// the wrong order.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createHoldingsRouter } from "../../src/stages/mod.ts";
import type { PipelineEvent } from "../../src/stages/mod.ts";
import { assertSameBits } from "../engine/_executor_contract.ts";
import { Cluster, splitOf } from "./_cluster.ts";

test("PipelineExecutor gives a lost stage's place to its standbys in their order, then to others", async () => {
  const [first, second] = splitOf(5, 2);
  const cluster = await Cluster.create([first, second, second, second]);
  const events: PipelineEvent[] = [];
  let isReversed = false;
  const pipeline = cluster.pipeline(0, {
    events,
    router: createHoldingsRouter(() => {
      const holdings = cluster.holdings(0);
      return isReversed ? holdings.toReversed() : holdings;
    }),
  });
  const whole = await cluster.load();
  const [ours, theirs] = [pipeline.openSession(), whole.openSession()];
  let token = 3;
  async function step(): Promise<string | undefined> {
    const next = { tokens: Uint32Array.of(token++, token), logits: "last" } as const;
    const actual = await pipeline.step([{ ...next, session: ours }]);
    assertSameBits(actual, await whole.step([{ ...next, session: theirs }]), `token ${token}`);
    return pipeline.route[1]?.peer;
  }
  const [one, two, three] = [1, 2, 3].map((index) => cluster.node(index).key);
  assert.equal(await step(), one);
  // From now on the router sees the newcomer first, and the second standby before the first one.
  const { key: newcomer } = await cluster.add(second);
  isReversed = true;
  cluster.kill(1);
  assert.equal(await step(), two);
  // The second route named the newcomer first, and now it is found last.
  isReversed = false;
  cluster.kill(2);
  assert.equal(await step(), newcomer);
  cluster.kill(4);
  assert.equal(await step(), three);
  const replaced = events.filter(({ kind }) => kind === "stage-replaced");
  assert.equal(replaced.length, 3);
  whole.close();
  await cluster.close();
});
