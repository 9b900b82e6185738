/** The call table: limits, cancellation, and what becomes of methods that misbehave. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { CallTable, createMetrics, defineCall, defineStream } from "../../src/kernel/mod.ts";
import { RpcError, silentLog } from "../../src/kernel/mod.ts";
import type { Methods, Offer } from "../../src/kernel/mod.ts";
import { VirtualClock } from "../../src/sim/mod.ts";
import { settle } from "./_world.ts";

interface Desk {
  readonly calls: CallTable;
  readonly offer: Offer;
  readonly metrics: ReturnType<typeof createMetrics>;
}

function desk(methods: Methods, inFlightMax = 2): Desk {
  const metrics = createMetrics();
  const log = silentLog(new VirtualClock());
  const calls = new CallTable({ services: ["a"], log, metrics, inFlightMax });
  const offer = calls.offer("a");
  offer.add(methods);
  offer.open();
  return { calls, offer, metrics };
}

function forever(): { method: Methods[string]; end: () => void; signals: AbortSignal[] } {
  const gate = Promise.withResolvers<string>();
  const signals: AbortSignal[] = [];
  const method = defineCall({
    summary: "Ignores its signal.",
    params: v.unknown(),
    run: (_params, { signal }) => {
      signals.push(signal);
      return gate.promise;
    },
  });
  return { method, end: () => gate.resolve("done"), signals };
}

const request = { service: "a", method: "m", params: {} };

test("one call too many is busy, and a call counts until its method has ended", async () => {
  const { method, end } = forever();
  const { calls, metrics } = desk({ m: method });
  const gone = new AbortController();
  const first = calls.call({ ...request, signal: gone.signal });
  const second = calls.call(request);
  await assert.rejects(calls.call(request), { kind: "busy" });
  gone.abort();
  await assert.rejects(first, { kind: "cancelled" });
  assert.equal(calls.inFlight("a"), 2);
  end();
  assert.equal(await second, "done");
  await settle();
  assert.equal(calls.inFlight("a"), 0);
  const { text } = await metrics.expose();
  assert.match(text, /skep_calls_failed_total\{service="a",kind="busy"\} 1/);
  assert.match(text, /skep_calls_failed_total\{service="a",kind="cancelled"\} 1/);
});

test("a call with an aborted signal, or with bad parameters, never reaches its method", async () => {
  let runs = 0;
  const m = defineCall({
    summary: "Counts.",
    params: v.object({ n: v.number() }),
    run: () => Promise.resolve(++runs),
  });
  const { calls } = desk({ m });
  const params = { n: 1 };
  await assert.rejects(calls.call({ ...request, params, signal: AbortSignal.abort() }), {
    kind: "cancelled",
  });
  await assert.rejects(calls.call(request), { kind: "invalidParams" });
  assert.deepEqual([runs, calls.inFlight("a")], [0, 0]);
});

test("invalid parameters are listed with their paths, also in deep places and in data", async () => {
  const params = v.object({ list: v.array(v.object({ role: v.string() })), top: v.number() });
  const m = defineCall({ summary: "M.", params, run: () => Promise.resolve() });
  const { calls } = desk({ m });
  const bad = { list: [{ role: "ok" }, { role: 7 }], top: "x" };
  await assert.rejects(calls.call({ ...request, params: bad }), (error) => {
    assert.ok(error instanceof RpcError);
    assert.match(error.message, /^Cannot call "m" as its parameters are invalid: /);
    const { issues } = error.data as { issues: { path: string }[] };
    assert.deepEqual(issues.map(({ path }) => path), ["list[1].role", "top"]);
    return true;
  });
  await assert.rejects(calls.call({ ...request, params: undefined }), /params: /);
});

test("close() aborts what runs as unavailable; drain() waits for it", async () => {
  const { method, end, signals } = forever();
  const { calls, offer } = desk({ m: method });
  const running = calls.call(request);
  await settle();
  let drained = false;
  const draining = offer.drain().then(() => drained = true);
  await assert.rejects(calls.call(request), { kind: "unavailable" });
  offer.close();
  await assert.rejects(running, { kind: "unavailable" });
  assert.equal(signals[0]?.aborted, true);
  await settle();
  assert.equal(drained, false);
  end();
  await draining;
});

test("a new run's methods replace the old run's, whose close changes nothing any more", async () => {
  const say = (word: string): Methods => ({
    m: defineCall({ summary: "M.", params: v.unknown(), run: () => Promise.resolve(word) }),
  });
  const { calls, offer } = desk(say("old"));
  const next = calls.offer("a");
  next.add(say("new"));
  next.open();
  offer.close();
  assert.equal(await calls.call(request), "new");
  assert.deepEqual(Object.keys(calls.methods("a")), ["m"]);
  assert.throws(() => next.add(say("again")), TypeError);
});

test("a stream that ignores its signal is left at once, and told", async () => {
  let told = false;
  const m = defineStream({
    summary: "Hangs.",
    params: v.unknown(),
    run: (_params, { signal }): AsyncIterable<number> => {
      signal.addEventListener("abort", () => told = true);
      return { [Symbol.asyncIterator]: () => ({ next: () => new Promise(() => {}) }) };
    },
  });
  const { calls } = desk({ m });
  const gone = new AbortController();
  const reading = calls.stream({ ...request, signal: gone.signal }).next();
  await settle();
  gone.abort();
  await assert.rejects(reading, { kind: "cancelled" });
  assert.deepEqual([told, calls.inFlight("a")], [true, 0]);
});

test("a stream whose consumer holds an item does not keep its service from draining", async () => {
  let ended = false;
  const m = defineStream({
    summary: "Counts.",
    params: v.unknown(),
    run: async function* (): AsyncGenerator<number> {
      try {
        for (let n = 0;; n++) yield n;
      } finally {
        ended = true;
      }
    },
  });
  const { calls, offer } = desk({ m });
  const gone = new AbortController();
  const items = calls.stream({ ...request, signal: gone.signal });
  assert.equal((await items.next()).value, 0);
  const draining = offer.drain();
  assert.equal(calls.inFlight("a"), 1);
  gone.abort();
  await draining;
  await settle();
  assert.deepEqual([ended, calls.inFlight("a")], [true, 0]);
  await assert.rejects(items.next(), { kind: "cancelled" });
});

test("a method of the other kind is not found, with a sentence that says how to use it", async () => {
  const { calls } = desk({
    m: defineCall({ summary: "M.", params: v.unknown(), run: () => Promise.resolve() }),
  });
  await assert.rejects(calls.stream(request).next(), /it answers once/);
});
