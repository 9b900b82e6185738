import assert from "node:assert/strict";
import { test } from "node:test";
import { Turnstile } from "../../../src/services/inference/turnstile.ts";

test("Turnstile.turn() interleaves those who ask again, one step each", async () => {
  const turnstile = new Turnstile();
  const order: string[] = [];
  let inside = 0;
  async function walker(name: string): Promise<void> {
    for (let step = 0; step < 3; step++) {
      await turnstile.turn(async () => {
        assert.equal(++inside, 1);
        order.push(name + step);
        await Promise.resolve();
        inside--;
      });
    }
  }
  await Promise.all([walker("a"), walker("b")]);
  assert.deepEqual(order, ["a0", "b0", "a1", "b1", "a2", "b2"]);
});

test("Turnstile.turn() lets the next one in when a step fails", async () => {
  const turnstile = new Turnstile();
  await assert.rejects(turnstile.turn(() => Promise.reject(new RangeError("x"))), RangeError);
  assert.equal(await turnstile.turn(() => Promise.resolve(7)), 7);
});
