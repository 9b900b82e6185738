/** Watch: the current value, then changes, without those that a slow watcher missed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Watch } from "../../src/kernel/mod.ts";
import { settle } from "./_world.ts";

test("changes() gives the current value, then the latest one after each change", async () => {
  const watch = new Watch("a");
  const stop = new AbortController();
  const changes = watch.changes(stop.signal);
  assert.equal((await changes.next()).value, "a");
  const next = changes.next();
  watch.set("b");
  assert.equal((await next).value, "b");
  watch.set("c");
  watch.set("d");
  assert.equal((await changes.next()).value, "d");
  let woken = false;
  const waiting = changes.next().then((result) => (woken = true, result));
  watch.set("d");
  await settle();
  assert.equal(woken, false);
  stop.abort();
  assert.equal((await waiting).done, true);
  assert.equal(watch.value, "d");
});

test("every watcher sees a change", async () => {
  const watch = new Watch(0);
  const watchers = [watch.changes(), watch.changes()];
  for (const one of watchers) await one.next();
  const waiting = watchers.map((one) => one.next());
  watch.set(1);
  assert.deepEqual((await Promise.all(waiting)).map(({ value }) => value), [1, 1]);
});
