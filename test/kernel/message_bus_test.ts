/** The bus: sequence numbers, gaps, copies, and a bounded number of topics. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MessageBus } from "../../src/kernel/mod.ts";
import type { BusMessage } from "../../src/kernel/mod.ts";

async function take(messages: AsyncIterable<BusMessage>, count: number): Promise<BusMessage[]> {
  const seen: BusMessage[] = [];
  for await (const message of messages) if (seen.push(message) === count) break;
  return seen;
}

const signal = new AbortController().signal;

test("messages count up per topic, and a slow subscriber sees a gap", async () => {
  const bus = new MessageBus({ bufferMax: 2, replayMax: 5 });
  const slow = bus.subscribe("a", { signal });
  for (let n = 1; n <= 4; n++) bus.publish("a", n);
  bus.publish("b", "other");
  assert.deepEqual(await take(slow, 2), [
    { topic: "a", sequence: 3, payload: 3 },
    { topic: "a", sequence: 4, payload: 4 },
  ]);
  assert.equal(bus.dropped, 2);
  const [other] = await take(bus.subscribe("b", { signal, replay: 1 }), 1);
  assert.equal(other?.sequence, 1);
});

test("a message is a copy, and what can't be copied is refused", async () => {
  const bus = new MessageBus();
  const payload = { list: [1] };
  bus.publish("a", payload);
  payload.list.push(2);
  const [message] = await take(bus.subscribe("a", { signal, replay: 1 }), 1);
  assert.deepEqual(message?.payload, { list: [1] });
  assert.throws(() => bus.publish("a", () => {}), { name: "DataCloneError" });
});

test("beyond its topics, the bus forgets the longest unused one without subscribers", async () => {
  const bus = new MessageBus({ topicsMax: 2 });
  const kept = bus.subscribe("kept", { signal });
  bus.publish("old", 1);
  bus.publish("new", 2);
  bus.publish("kept", 3);
  assert.equal((await take(kept, 1))[0]?.sequence, 1);
  assert.deepEqual((await take(bus.subscribe("new", { signal, replay: 9 }), 1))[0]?.payload, 2);
  const [first] = [bus.subscribe("x", { signal }), bus.subscribe("y", { signal })];
  assert.ok(first);
  assert.throws(() => bus.publish("z", 1), RangeError);
});
