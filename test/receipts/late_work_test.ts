import assert from "node:assert/strict";
import { test } from "node:test";
import { LateWork } from "../../src/receipts/_late_work.ts";

/** A clock whose one timer is let off by hand. */
class HandClock {
  #fn: (() => void) | undefined;
  timers = 0;

  after(_delayMs: number, fn: () => void): { cancel(): void } {
    this.timers++;
    this.#fn = fn;
    return { cancel: () => this.#fn = undefined };
  }

  fire(): void {
    this.#fn?.();
  }
}

test("LateWork.push() does nothing before the event loop has had its turn, and then all in order", () => {
  const clock = new HandClock();
  const work = new LateWork(clock);
  const done: number[] = [];
  for (const one of [1, 2, 3]) work.push(10, () => done.push(one));
  assert.equal(done.length, 0);
  assert.equal(clock.timers, 1);
  clock.fire();
  assert.deepEqual(done, [1, 2, 3]);
  work.push(10, () => done.push(4));
  clock.fire();
  assert.deepEqual(done, [1, 2, 3, 4]);
});

test("LateWork.finish() does what waits at once, and no timer does it again", () => {
  const clock = new HandClock();
  const work = new LateWork(clock);
  const done: number[] = [];
  work.push(10, () => done.push(1));
  work.finish();
  clock.fire();
  assert.deepEqual(done, [1]);
});

test("LateWork.push() keeps no more than 16 MiB of rows waiting", () => {
  const work = new LateWork(new HandClock());
  const done: number[] = [];
  work.push(16 * 2 ** 20, () => done.push(1));
  assert.equal(done.length, 0);
  work.push(1, () => done.push(2));
  assert.deepEqual(done, [1, 2]);
});
