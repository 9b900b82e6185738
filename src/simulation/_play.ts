/** Lets happen what a script says: time passes from action to action, views are checked between. */
import type { SeededRandom } from "../sim/mod.ts";
import { Agenda } from "./_agenda.ts";
import { checkMs, checkViews } from "./_convergence.ts";
import type { World } from "./_world.ts";
import type { Action, Churn } from "./script.ts";

/** How often this process's memory is looked at, in milliseconds: that takes longer than a check. */
const weighMs = 5_000;

/** What is to be played. */
export interface Play {
  readonly actions: readonly Action[];
  /** When it ends, in milliseconds since its beginning. */
  readonly endMs: number;
  readonly signal: AbortSignal | undefined;
  /** Actions of each kind that have begun are counted here; of churn, the nodes that it took out. */
  readonly counts: Record<string, number>;
  /** Waits until every view is the truth. */
  readonly settle: () => Promise<void>;
}

/** Plays to the end, or to the world's failure. */
export async function play(world: World, asked: Play): Promise<void> {
  const { counts } = asked;
  const agenda = new Agenda(asked.actions);
  const beginMs = world.nowMs;
  let checkAtMs = checkMs;
  let weighAtMs = 0;
  while (world.failure === undefined) {
    asked.signal?.throwIfAborted();
    const atMs = Math.min(agenda.nextMs, checkAtMs, asked.endMs);
    await world.clock.advance(Math.max(0, beginMs + atMs - world.nowMs));
    const action = agenda.take(atMs);
    if (action !== undefined) {
      const isDone = await act(world, { action, agenda, settle: asked.settle });
      if (isDone) counts[action.kind] = (counts[action.kind] ?? 0) + 1;
    } else if (atMs >= asked.endMs) break;
    else {
      checkAtMs += checkMs;
      checkViews(world);
      if (atMs < weighAtMs) continue;
      weighAtMs = atMs + weighMs;
      world.weigh();
    }
  }
}

/** @returns whether it has happened */
async function act(
  world: World,
  { action, agenda, settle }: Pick<Play, "settle"> & {
    readonly action: Action;
    readonly agenda: Agenda;
  },
): Promise<boolean> {
  switch (action.kind) {
    case "crash":
    case "cut":
    case "stop":
      for (const number of action.nodes) world.end(number, action.kind);
      return true;
    case "restart":
      for (const number of action.nodes) {
        const node = world.nodes[number - 1];
        if (node?.isUp === false) await world.boot(node);
      }
      return true;
    case "partition":
      world.part(action.groups);
      return true;
    case "heal":
      world.part([]);
      return true;
    case "churn":
      return churn(world, { action, agenda });
    case "check":
      await settle();
      return true;
    case "end":
      return true;
  }
}

/**
 * Takes one node out, unless half of them are away, and plans its return, and the next one's end.
 *
 * @returns whether one went
 */
function churn(
  world: World,
  { action, agenda }: { readonly action: Churn; readonly agenda: Agenda },
): boolean {
  const { atMs, everyMs, downMs, untilMs } = action;
  const { live, random, nodes } = world;
  const how = random.pick(["crash", "cut", "stop"] as const);
  const number = live[random.below(Math.max(1, live.length))]?.number;
  const goes = number !== undefined && live.length * 2 > nodes.length;
  if (goes) {
    world.end(number, how);
    agenda.plan({ kind: "restart", atMs: atMs + about(downMs, random), nodes: [number] });
  }
  const nextMs = atMs + about(everyMs, random);
  if (nextMs < untilMs) agenda.plan({ ...action, atMs: nextMs });
  return goes;
}

/** Between half of a time and one and a half of it. */
function about(ms: number, random: SeededRandom): number {
  return Math.round(ms / 2 + random.below(Math.max(1, Math.round(ms))));
}
