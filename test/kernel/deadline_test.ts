/** Deadlines in virtual time, and joined signals that leave no listener behind. */
import assert from "node:assert/strict";
import { getEventListeners } from "node:events";
import { test } from "node:test";
import { abortable, KernelError, linkSignals, withDeadline } from "../../src/kernel/mod.ts";
import { VirtualClock } from "../../src/sim/mod.ts";

test("withDeadline() gives the work's answer and leaves no timer and no listener", async () => {
  const clock = new VirtualClock();
  const { signal } = new AbortController();
  assert.equal(await withDeadline({ clock, timeoutMs: 10, signal }, () => Promise.resolve(7)), 7);
  await assert.rejects(
    withDeadline({ clock, timeoutMs: 10, signal }, () => Promise.reject(new TypeError("no"))),
    /no/,
  );
  assert.equal(clock.pendingCount, 0);
  assert.equal(getEventListeners(signal, "abort").length, 0);
});

test("withDeadline() ends work that ignores its signal, and tells it by the signal", async () => {
  const clock = new VirtualClock();
  let told: unknown;
  const working = withDeadline({ clock, timeoutMs: 50, purpose: "load the model" }, (signal) => {
    signal.addEventListener("abort", () => told = signal.reason);
    return new Promise(() => {});
  });
  const failing = assert.rejects(working, (error) => {
    assert.ok(error instanceof KernelError && error.code === "deadline");
    assert.equal(error.message, "Cannot load the model in time: the limit is 50 ms");
    return told === error;
  });
  await clock.advance(49);
  assert.equal(told, undefined);
  await clock.advance(1);
  await failing;
});

test("withDeadline() follows the caller's signal, also one that has aborted before", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const options = { clock, timeoutMs: 50, signal: stop.signal };
  const working = withDeadline(options, () => new Promise(() => {}));
  stop.abort(new TypeError("stopped"));
  await assert.rejects(working, /stopped/);
  let begun = false;
  const late = withDeadline(options, () => {
    begun = true;
    return Promise.resolve();
  });
  await assert.rejects(late, /stopped/);
  assert.equal(begun, false);
  assert.equal(clock.pendingCount, 0);
});

test("linkSignals() aborts with the first source's reason and lets go of all", () => {
  const [first, second] = [new AbortController(), new AbortController()];
  const linked = linkSignals([first.signal, undefined, second.signal]);
  second.abort("why");
  assert.deepEqual([linked.signal.aborted, linked.signal.reason], [true, "why"]);
  assert.equal(getEventListeners(first.signal, "abort").length, 0);
  const late = linkSignals([first.signal, second.signal]);
  assert.equal(late.signal.reason, "why");
  assert.equal(getEventListeners(first.signal, "abort").length, 0);
  const own = linkSignals([first.signal]);
  own.unlink();
  first.abort("too late");
  assert.equal(own.signal.aborted, false);
});

test("abortable() settles as its promise does, or as soon as the signal aborts", async () => {
  const stop = new AbortController();
  assert.equal(await abortable(Promise.resolve(1), stop.signal), 1);
  assert.equal(getEventListeners(stop.signal, "abort").length, 0);
  const failing = Promise.withResolvers<never>();
  const waiting = abortable(failing.promise, stop.signal);
  stop.abort(new TypeError("left"));
  await assert.rejects(waiting, /left/);
  // A later failure of the abandoned work must not become an unhandled rejection.
  failing.reject(new TypeError("unheard"));
  await assert.rejects(abortable(Promise.reject(new TypeError("x")), stop.signal), /left/);
});
