// Goal: who is silent is lost in time, and nobody for what this node itself has slept through.
// Method: a clock by hand, whose timers fire when the test says so, late too.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "../../src/ports/mod.ts";
import { beatMs, probeMs, silenceMs } from "../../src/stages/limits.ts";
import type { RemoteStage } from "../../src/stages/_pipeline_stage.ts";
import { StageWatch } from "../../src/stages/_stage_watch.ts";

class World {
  nowMs = 0;
  sent = 0;
  why: string | undefined;
  readonly #timers: { readonly atMs: number; readonly fn: () => void }[] = [];
  readonly stage: Pick<RemoteStage, "isLocal" | "lastSignMs" | "probedMs" | "send" | "lose"> = {
    isLocal: false,
    lastSignMs: 0,
    probedMs: undefined,
    send: () => void this.sent++,
    lose: (why) => void (this.why ??= why),
  };
  readonly watch = new StageWatch({
    monotonicMs: () => this.nowMs,
    after: (delayMs: number, fn: () => void) => {
      const timer = { atMs: this.nowMs + delayMs, fn };
      this.#timers.push(timer);
      return { cancel: () => void this.#timers.splice(this.#timers.indexOf(timer), 1) };
    },
  } as Clock);

  constructor() {
    this.watch.begin([this.stage as RemoteStage]);
  }

  /** Lets time pass in one piece, and fires what is due at its end. */
  pass(ms: number): void {
    this.nowMs += ms;
    for (const timer of this.#timers.filter(({ atMs }) => atMs <= this.nowMs)) {
      this.#timers.splice(this.#timers.indexOf(timer), 1);
      timer.fn();
    }
  }
}

test("StageWatch asks who is silent for a sign, and gives it up when none comes", () => {
  const world = new World();
  while (world.nowMs < silenceMs) world.pass(beatMs);
  assert.equal(world.sent, 1);
  assert.equal(world.why, undefined);
  while (world.nowMs < silenceMs + probeMs) world.pass(beatMs);
  assert.match(world.why ?? "", /no sign of life for 2500 ms/);
});

test("StageWatch holds against nobody what this node has slept through itself", () => {
  const world = new World();
  world.pass(60_000);
  assert.equal(world.sent, 0);
  while (world.sent === 0) world.pass(beatMs);
  const askedMs = world.nowMs;
  world.pass(60_000);
  assert.equal(world.why, undefined);
  while (world.why === undefined) world.pass(beatMs);
  assert.equal(world.nowMs - askedMs, 60_000 - beatMs + probeMs);
});
