import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Expectations } from "../../src/simulation/_expectations.ts";
import type { Sight } from "../../src/simulation/_expectations.ts";

/** Nodes 1..count, all up and heard but for those that are down. */
function truthOf(count: number, down: Set<number>): ConstructorParameters<typeof Expectations>[0] {
  return {
    count,
    isUp: (node) => !down.has(node),
    hears: () => true,
    numberOf: (key) => Number(key),
  };
}

const patience = { goneMsMax: 5_000, partedMsMax: 9_000, thereMsMax: 60_000 };

test("a view that follows is timed, and one that is wrong again without a reason is a relapse", () => {
  const down = new Set<number>();
  const expectations = new Expectations(truthOf(3, down), patience);
  const [two, three] = ["2", "3"].map((key): Sight => ({ key, state: "linked" }));
  assert.ok(two !== undefined && three !== undefined);
  expectations.nodeChanged(1, 0);
  expectations.seen(1, [two], 100);
  assert.equal(expectations.lags().there.count, 1);
  expectations.seen(1, [two, three], 300);
  assert.deepEqual(expectations.lags().there, { count: 2, medianMs: 100, p95Ms: 100, maxMs: 300 });
  expectations.seen(1, [{ ...two, state: "suspect" }, three], 400);
  assert.equal(expectations.relapses, 1);
  down.add(2);
  expectations.nodeChanged(2, 500);
  expectations.seen(1, [three], 900);
  assert.equal(expectations.lags().gone.maxMs, 400);
});

test("who is parted has a time of its own, and a newcomer need not lose what it never saw", () => {
  const [down, parted] = [new Set([3]), new Set<number>()];
  const truth = {
    ...truthOf(3, down),
    hears: (one: number, two: number): boolean => one === 2 || !parted.has(two),
  };
  const expectations = new Expectations(truth, patience);
  const two: Sight = { key: "2", state: "linked" };
  expectations.nodeChanged(1, 0);
  expectations.seen(1, [two], 20);
  expectations.seen(2, [{ key: "1", state: "linked" }], 20);
  assert.equal(expectations.lags().gone.count, 0, "node 3 was never listed");
  parted.add(2);
  expectations.allChanged(1_000);
  assert.equal(expectations.broken(9_999), undefined);
  assert.deepEqual(expectations.broken(10_001), {
    ...{ observer: 1, subject: 2, cause: "parted", sinceMs: 1_000 },
  });
  expectations.seen(1, [], 8_000);
  assert.equal(expectations.lags().parted.maxMs, 7_000);
  assert.equal(expectations.lags().gone.count, 0);
  expectations.forgetLags();
  assert.equal(expectations.lags().parted.count, 0);
});

test("a list that differs in any way from the one before is compared as if it were the first", () => {
  const states = fc.constantFrom("absent", "suspect", "alive");
  const lists = fc.array(fc.array(states, { minLength: 6, maxLength: 6 }), { maxLength: 6 });
  fc.assert(fc.property(lists, fc.boolean(), (all, isReversed) => {
    const down = new Set([2, 5]);
    const stepwise = new Expectations(truthOf(7, down), patience);
    const known = new Map<string, Sight>();
    stepwise.nodeChanged(1, 0);
    for (const [time, said] of all.entries()) {
      const list = said.flatMap((state, i): Sight[] => {
        if (state === "absent") return [];
        const name = `${i + 2} ${state}`;
        const sight = known.get(name) ?? { key: `${i + 2}`, state };
        known.set(name, sight);
        return [sight];
      });
      if (isReversed && time % 2 === 1) list.reverse();
      stepwise.seen(1, list, time + 1);
      // Wrong are those that are there and not listed for sure, and those that are gone and listed.
      const wrong = said.filter((state, i) =>
        down.has(i + 2) ? state !== "absent" : state !== "alive"
      );
      // The four others that are up have not told anything yet.
      assert.equal(stepwise.pendingCount - 4, wrong.length);
    }
  }));
});
