import assert from "node:assert/strict";
import { test } from "node:test";
import { isShared, MessageBus, share } from "../../src/kernel/mod.ts";

test("share() freezes a value and all that is in it", () => {
  const entry = { name: "a", parts: [{ from: 1 }] };
  const list = share({ list: [entry], none: null });
  assert.ok(isShared(list) && isShared(list.list) && isShared(entry.parts[0]));
  assert.throws(() => entry.parts.push({ from: 2 }), TypeError);
  assert.throws(() => Object.assign(entry, { name: "b" }), TypeError);
  assert.equal(share(7), 7);
  assert.ok(
    !isShared(Object.freeze({ inner: {} })),
    "frozen by somebody else, perhaps not through",
  );
  assert.ok(
    isShared(Object.freeze({ name: "a", count: 1, none: null })),
    "frozen, and nothing in it",
  );
  assert.ok(!isShared(Object.freeze(new URL("a:b"))) && !isShared({ name: "a" }));
  assert.throws(() => share({ bytes: new Uint8Array(1) }), TypeError);
});

test("MessageBus.publish() hands a shared payload on as it is, and a copy of any other", async () => {
  const bus = new MessageBus();
  const ending = new AbortController();
  const messages = bus.subscribe("t", { signal: ending.signal })[Symbol.asyncIterator]();
  const [frozen, plain] = [share({ n: 1 }), { n: 2 }];
  bus.publish("t", frozen);
  bus.publish("t", plain);
  assert.equal((await messages.next()).value.payload, frozen);
  const copy = (await messages.next()).value.payload;
  assert.deepEqual(copy, plain);
  assert.notEqual(copy, plain);
  ending.abort();
});
