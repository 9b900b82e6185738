import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock, Timer } from "../../../src/ports/mod.ts";
import { encodeEvent, eventStream, KEEP_ALIVE_COMMENT } from "../../../src/services/api/sse.ts";

/** A clock whose timers fire when the test says so. */
class HandClock implements Clock {
  readonly #timers = new Set<() => void>();
  nowMs(): number {
    return 0;
  }
  monotonicMs(): number {
    return 0;
  }
  after(_delayMs: number, fn: () => void): Timer {
    this.#timers.add(fn);
    return { cancel: () => void this.#timers.delete(fn) };
  }
  sleep(): Promise<void> {
    return Promise.resolve();
  }
  fire(): void {
    for (const fn of [...this.#timers]) fn();
  }
  get pendingCount(): number {
    return this.#timers.size;
  }
}

const decoder = new TextDecoder();

test("encodeEvent() keeps any value on one line", () => {
  const event = encodeEvent({ text: "a\n\nb\r\u2028" });
  assert.match(event, /^data: [^\n\r]*\n\n$/);
  assert.deepEqual(JSON.parse(event.slice(6)), { text: "a\n\nb\r\u2028" });
});

test("eventStream() asks for an event only when its reader asks for bytes", async () => {
  let produced = 0;
  async function* events(): AsyncGenerator<string> {
    for (; produced < 100; produced++) yield await Promise.resolve(`${produced}`);
  }
  const clock = new HandClock();
  const stream = eventStream(events(), { clock, keepAliveMs: 1, onCancel: () => {} });
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(produced, 0);
  const reader = stream.getReader();
  assert.equal(decoder.decode((await reader.read()).value), "0");
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.ok(produced <= 1, `${produced} were produced`);
  assert.equal(clock.pendingCount, 0);
  await reader.cancel();
});

test("eventStream() sends comments while nothing comes, and loses no event", async () => {
  const gate = Promise.withResolvers<void>();
  async function* events(): AsyncGenerator<string> {
    await gate.promise;
    yield "late";
  }
  const clock = new HandClock();
  const stream = eventStream(events(), { clock, keepAliveMs: 1, onCancel: () => {} });
  const reader = stream.getReader();
  for (let round = 0; round < 3; round++) {
    const read = reader.read();
    await new Promise((resolve) => setTimeout(resolve, 0));
    clock.fire();
    assert.equal(decoder.decode((await read).value), KEEP_ALIVE_COMMENT);
  }
  gate.resolve();
  assert.equal(decoder.decode((await reader.read()).value), "late");
  assert.equal((await reader.read()).done, true);
});

test("eventStream() tells once that its reader went away, and ends the events", async () => {
  let ended = false;
  let cancelled = 0;
  async function* events(): AsyncGenerator<string> {
    try {
      for (;;) yield await Promise.resolve("x");
    } finally {
      ended = true;
    }
  }
  const clock = new HandClock();
  const stream = eventStream(events(), { clock, keepAliveMs: 1, onCancel: () => cancelled++ });
  const reader = stream.getReader();
  await reader.read();
  await reader.cancel();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(cancelled, 1);
  assert.equal(ended, true);
});
