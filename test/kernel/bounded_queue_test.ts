/** The bounded queue: its three policies, its waiters, and its counters against a model. */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { BoundedQueue } from "../../src/kernel/mod.ts";
import type { QueuePolicy } from "../../src/kernel/mod.ts";

const numRuns = 100 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

test("a full queue refuses, drops its oldest, or lets the producer wait", async () => {
  const make = (policy: QueuePolicy): BoundedQueue<number> =>
    new BoundedQueue<number>({ capacity: 2, policy });
  const refusing = make("refuse");
  assert.deepEqual([1, 2, 3].map((n) => refusing.offer(n)), [true, true, false]);
  assert.deepEqual(refusing.counters, { accepted: 2, refused: 1, dropped: 0, taken: 0 });
  const dropping = make("drop-oldest");
  assert.deepEqual([1, 2, 3].map((n) => dropping.offer(n)), [true, true, true]);
  assert.deepEqual([dropping.tryTake(), dropping.tryTake(), dropping.tryTake()], [2, 3, undefined]);
  assert.deepEqual(dropping.counters, { accepted: 3, refused: 0, dropped: 1, taken: 2 });
  const waiting = make("wait");
  const sent = [1, 2, 3, 4].map((n) => waiting.send(n));
  await Promise.all(sent.slice(0, 2));
  assert.equal(waiting.offer(9), false);
  assert.equal(await waiting.take(), 1);
  assert.equal(await sent[2], true);
  assert.deepEqual([await waiting.take(), await waiting.take(), await waiting.take()], [2, 3, 4]);
  assert.equal(await sent[3], true);
});

test("consumers are served in the order in which they came", async () => {
  const queue = new BoundedQueue<string>({ capacity: 1, policy: "refuse" });
  const [first, second] = [queue.take(), queue.take()];
  queue.offer("a");
  queue.offer("b");
  assert.deepEqual(await Promise.all([first, second]), ["a", "b"]);
  assert.equal(queue.counters.taken, 2);
});

test("an aborted wait takes nothing and adds nothing", async () => {
  const queue = new BoundedQueue<string>({ capacity: 1, policy: "wait" });
  const stop = new AbortController();
  const taking = queue.take(stop.signal);
  stop.abort(new TypeError("enough"));
  await assert.rejects(taking, /enough/);
  await queue.send("a");
  assert.equal(queue.length, 1);
  const stopSend = new AbortController();
  const sending = queue.send("b", stopSend.signal);
  stopSend.abort(new TypeError("enough"));
  await assert.rejects(sending, /enough/);
  assert.equal(await queue.take(), "a");
  assert.equal(queue.length, 0);
  await assert.rejects(queue.take(stop.signal), /enough/);
});

test("close() wakes consumers and producers, and what is inside can be taken", async () => {
  const empty = new BoundedQueue<string>({ capacity: 1, policy: "wait" });
  const taking = empty.take();
  empty.close();
  assert.equal(await taking, undefined);
  const full = new BoundedQueue<string>({ capacity: 1, policy: "wait" });
  full.offer("a");
  const sending = full.send("b");
  full.close();
  assert.equal(await sending, false);
  assert.equal(full.offer("c"), false);
  const rest: string[] = [];
  for await (const item of full) rest.push(item);
  assert.deepEqual(rest, ["a"]);
});

test("a queue without a positive capacity is a RangeError", () => {
  for (const capacity of [0, -1, 1.5, NaN]) {
    assert.throws(() => new BoundedQueue({ capacity, policy: "refuse" }), RangeError);
  }
});

test("any sequence of offers and takes agrees with a plain list, and the counters add up", () => {
  const steps = fc.array(fc.oneof(fc.nat(99), fc.constant("take")), { maxLength: 60 });
  const policies = fc.constantFrom<QueuePolicy>("refuse", "drop-oldest");
  fc.assert(
    fc.property(steps, policies, fc.integer({ min: 1, max: 5 }), (taken, policy, capacity) => {
      const queue = new BoundedQueue<number>({ capacity, policy });
      let model: number[] = [];
      for (const step of taken) {
        if (typeof step === "string") assert.equal(queue.tryTake(), model.shift());
        else if (queue.offer(step)) model = [...model, step].slice(-capacity);
        else assert.equal(model.length, capacity);
      }
      const { accepted, dropped, taken: out } = queue.counters;
      assert.equal(accepted, dropped + out + queue.length);
      assert.equal(queue.length, model.length);
    }),
    { numRuns },
  );
});
