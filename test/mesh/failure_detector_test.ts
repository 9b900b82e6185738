/** Goal: views converge; a link outweighs hearsay; whoever is called gone and lives can say so. */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FailureDetector } from "../../src/mesh/failure_detector.ts";
import type { View } from "../../src/mesh/registry_frames.ts";
import { keyOf, runs } from "./_mutations.ts";

const [self, a, b, stranger] = [keyOf(1), keyOf(2), keyOf(3), keyOf(4)] as const;

function detector(): FailureDetector {
  const made = new FailureDetector({ self, incarnation: 100, suspectMs: 1_000 });
  made.setMembers(new Set([self, a, b]));
  return made;
}

function view(key: string, state: View["state"], incarnation = 5): View {
  return { key, state, incarnation, sequence: 0 };
}

test("a member goes from alive by suspect to gone, and each step is news once", () => {
  const views = detector();
  views.linked(b, { incarnation: 5, nowMs: 0 });
  assert.deepEqual(views.linked(a, { incarnation: 5, nowMs: 0 }).news, [view(a, "alive")]);
  assert.deepEqual(views.linked(a, { incarnation: 5, nowMs: 1 }).news, []);
  assert.deepEqual(views.lost(a, 10).news, [view(a, "suspect")]);
  assert.deepEqual(views.lost(a, 11).news, []);
  assert.deepEqual(views.expire(1_009).news, []);
  assert.deepEqual(views.expire(1_010).news, [view(a, "gone")]);
  assert.deepEqual(views.expire(9_999).news, []);
  assert.equal(views.stateOf(a)?.state, "gone");
});

test("for a node without any link all others are gone, once links had time to come back", () => {
  const views = detector();
  views.linked(a, { incarnation: 5, nowMs: 0 });
  views.learn([view(b, "alive")], 1);
  assert.deepEqual(views.lost(a, 10).news, [view(a, "suspect")]);
  views.linked(a, { incarnation: 5, nowMs: 500 });
  assert.deepEqual(views.expire(1_010).news, []);
  views.lost(a, 2_000);
  assert.equal(views.stateOf(b)?.state, "alive");
  const { news, unheard } = views.expire(3_000);
  assert.deepEqual([unheard, news], [[a, b], []], "which is no news to anybody");
  assert.deepEqual(views.counts(), { alive: 0, suspect: 0, gone: 2 });
  assert.deepEqual(views.allViews(() => 1), [{ ...view(self, "alive", 100), sequence: 1 }]);
  assert.deepEqual(views.learn([view(b, "alive")], 4_000).news, [view(b, "alive")]);
});

test("what others say of a linked member is passed on to it alone", () => {
  const views = detector();
  views.linked(a, { incarnation: 5, nowMs: 0 });
  const { news, contested } = views.learn([view(a, "gone", 7)], 1);
  assert.deepEqual(news, []);
  assert.deepEqual(contested, [view(a, "gone", 7)]);
  assert.equal(views.stateOf(a)?.state, "alive");
  assert.deepEqual(views.learn([view(a, "alive", 8)], 2).news, [view(a, "alive", 8)]);
  views.lost(a, 3);
  assert.deepEqual(views.learn([view(a, "alive", 8)], 4).news, [], "not newer than the doubt");
  assert.deepEqual(views.learn([view(a, "alive", 9)], 5).news, [view(a, "alive", 9)]);
});

test("a node that is called gone raises its incarnation above the claim", () => {
  const views = detector();
  assert.deepEqual(views.learn([view(self, "gone", 99)], 1).news, [], "of an earlier life");
  assert.deepEqual(views.learn([view(self, "suspect", 100)], 1).news, [view(self, "alive", 101)]);
  assert.deepEqual(views.learn([view(self, "gone", 5_000)], 1).news, [view(self, "alive", 5_001)]);
  assert.equal(views.incarnation, 5_001);
});

test("nobody outside of the roster has a state, and who leaves it has none any more", () => {
  const views = detector();
  assert.deepEqual(views.learn([view(stranger, "alive")], 1).news, []);
  assert.deepEqual(views.linked(stranger, { incarnation: 1, nowMs: 1 }).news, []);
  views.learn([view(a, "alive"), view(b, "suspect"), view(b, "alive", 6)], 1);
  assert.deepEqual([a, b].map((key) => views.stateOf(key)?.state), ["alive", "alive"]);
  assert.equal(views.counts().alive, 2);
  views.setMembers(new Set([self, b]));
  assert.equal(views.stateOf(a), undefined);
  assert.deepEqual(views.allViews(() => 3).map(({ key }) => key), [b, self]);
});

test("nextProbe() asks every linked member once in each round", () => {
  const views = detector();
  assert.equal(views.nextProbe(() => 0), undefined);
  views.linked(a, { incarnation: 1, nowMs: 0 });
  views.linked(b, { incarnation: 1, nowMs: 0 });
  for (let round = 0; round < 5; round++) {
    const asked = [views.nextProbe((n) => n - 1), views.nextProbe(() => 0)];
    assert.deepEqual(new Set(asked), new Set([a, b]));
  }
  views.lost(a, 1);
  assert.deepEqual([views.nextProbe(() => 0), views.nextProbe(() => 0)], [b, b]);
});

test("two nodes that hear the same views in another order come to the same", () => {
  const said = fc.array(
    fc.record({
      key: fc.constantFrom(a, b),
      state: fc.constantFrom("alive" as const, "suspect" as const, "gone" as const),
      incarnation: fc.integer({ min: 1, max: 4 }),
      sequence: fc.constant(0),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(
      said,
      fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
      (views, draws) => {
        const one = detector();
        const other = detector();
        // Both know of them, as of everybody who was ever there.
        for (const each of [one, other]) each.learn([view(a, "alive", 0), view(b, "alive", 0)], 0);
        one.learn(views, 1);
        const shuffled = views.map((each) => ({ each, by: draws.next().value ?? 0 }))
          .sort((x, y) => x.by - y.by).map(({ each }) => each);
        other.learn(shuffled, 1);
        // Gone holds until the member objects, so only the best view of each counts in the end.
        const best = (of: FailureDetector): unknown =>
          of.allViews(() => 0).filter(({ key }) => key !== self).toSorted((x, y) =>
            x.key < y.key ? -1 : 1
          )
            .map(({ key, state, incarnation }) => ({ key, state, incarnation }));
        one.learn(other.allViews(() => 0), 2);
        other.learn(one.allViews(() => 0), 2);
        one.learn(other.allViews(() => 0), 2);
        assert.deepEqual(best(one), best(other));
      },
    ),
    runs(300),
  );
});
