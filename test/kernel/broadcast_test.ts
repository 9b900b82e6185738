/** Broadcast: replay, bounded buffers that lose their oldest, and subscriptions that end. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Broadcast } from "../../src/kernel/mod.ts";

async function rest<T>(items: AsyncIterable<T>): Promise<T[]> {
  const seen: T[] = [];
  for await (const item of items) seen.push(item);
  return seen;
}

test("each subscriber gets every item from its subscription on, after the replay it asked for", async () => {
  const channel = new Broadcast<number>({ replayMax: 3, bufferMax: 10 });
  for (let i = 1; i <= 5; i++) channel.publish(i);
  const none = channel.subscribe();
  const two = channel.subscribe({ replay: 2 });
  const many = channel.subscribe({ replay: 99 });
  channel.publish(6);
  channel.close();
  assert.deepEqual(await rest(none), [6]);
  assert.deepEqual(await rest(two), [4, 5, 6]);
  assert.deepEqual(await rest(many), [3, 4, 5, 6]);
});

test("a slow subscriber loses its oldest items, which are counted, and slows nobody", async () => {
  const channel = new Broadcast<number>({ replayMax: 0, bufferMax: 2 });
  const [slow, quick] = [channel.subscribe(), channel.subscribe()];
  const quickly = quick[Symbol.asyncIterator]();
  for (let i = 1; i <= 5; i++) {
    channel.publish(i);
    assert.equal((await quickly.next()).value, i);
  }
  assert.deepEqual([slow.dropped, quick.dropped, channel.dropped], [3, 0, 3]);
  slow.close();
  assert.deepEqual(await rest(slow), [4, 5]);
  assert.equal(channel.dropped, 3);
});

test("a subscription ends by its signal, by leaving the loop, and by the channel's close", async () => {
  const channel = new Broadcast<string>({ replayMax: 1, bufferMax: 4 });
  const stop = new AbortController();
  const aborted = channel.subscribe({ signal: stop.signal });
  const left = channel.subscribe();
  const closed = channel.subscribe();
  assert.equal(channel.subscriberCount, 3);
  channel.publish("a");
  stop.abort();
  for await (const _item of left) break;
  assert.equal(channel.subscriberCount, 1);
  channel.close();
  channel.publish("b");
  assert.deepEqual([await rest(aborted), await rest(closed)], [["a"], ["a"]]);
  assert.deepEqual(await rest(channel.subscribe({ signal: stop.signal })), []);
});
