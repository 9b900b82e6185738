import assert from "node:assert/strict";
import { test } from "node:test";
import { RpcError } from "../../../src/kernel/mod.ts";
import { Slots } from "../../../src/services/inference/slots.ts";
import type { SlotLoad } from "../../../src/services/inference/slots.ts";

function isKind(kind: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof RpcError && thrown.kind === kind;
}

const never = new AbortController().signal;

test("Slots.enter() admits at once while a slot is free, then in the order of arrival", async () => {
  const loads: SlotLoad[] = [];
  const slots = new Slots({ slots: 1, queueMax: 2 }, (load) => loads.push(load));
  const order: string[] = [];
  const first = slots.enter(never);
  await first.admitted;
  const second = slots.enter(never);
  const third = slots.enter(never);
  const all = Promise.all([
    second.admitted.then(() => order.push("second")),
    third.admitted.then(() => order.push("third")),
  ]);
  assert.deepEqual(slots.load, { active: 1, waiting: 2 });
  first.leave();
  first.leave();
  assert.deepEqual(slots.load, { active: 1, waiting: 1 });
  await second.admitted;
  second.leave();
  await all;
  third.leave();
  assert.deepEqual(order, ["second", "third"]);
  assert.deepEqual(slots.load, { active: 0, waiting: 0 });
  assert.deepEqual(loads.at(-1), { active: 0, waiting: 0 });
});

test("Slots.enter() refuses with busy when the line is full, and nobody waiting is disturbed", async () => {
  const slots = new Slots({ slots: 1, queueMax: 1 }, () => {});
  const first = slots.enter(never);
  const second = slots.enter(never);
  assert.throws(() => slots.enter(never), isKind("busy"));
  first.leave();
  await second.admitted;
  second.leave();
  assert.deepEqual(slots.load, { active: 0, waiting: 0 });
});

test("Slots.enter() lets nobody wait for a slot when there is none", () => {
  const slots = new Slots({ slots: 0, queueMax: 8 }, () => {});
  assert.throws(() => slots.enter(never), isKind("busy"));
  assert.deepEqual(slots.load, { active: 0, waiting: 0 });
});

test("Slots: a caller that goes away while it waits leaves the line at once", async () => {
  const slots = new Slots({ slots: 1, queueMax: 1 }, () => {});
  const first = slots.enter(never);
  const controller = new AbortController();
  const second = slots.enter(controller.signal);
  controller.abort();
  await assert.rejects(second.admitted, isKind("cancelled"));
  assert.deepEqual(slots.load, { active: 1, waiting: 0 });
  second.leave();
  first.leave();
  assert.deepEqual(slots.load, { active: 0, waiting: 0 });
  assert.throws(() => slots.enter(controller.signal), isKind("cancelled"));
});

test("Slots: an abort after admission changes nothing until leave()", async () => {
  const slots = new Slots({ slots: 1, queueMax: 1 }, () => {});
  const first = slots.enter(never);
  const controller = new AbortController();
  const second = slots.enter(controller.signal);
  first.leave();
  await second.admitted;
  controller.abort();
  assert.deepEqual(slots.load, { active: 1, waiting: 0 });
  second.leave();
  assert.deepEqual(slots.load, { active: 0, waiting: 0 });
});
