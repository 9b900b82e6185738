/**
 * A mesh of whole nodes in one process: each is booted by the same `run` as a real one, over a
 * simulated network, a modelled disk and virtual time, and does only what a script says. One seed
 * gives one run, event for event.
 */
import { realClock } from "../ports/mod.ts";
import { settleViews } from "./_convergence.ts";
import { found, warmUp } from "./_founding.ts";
import { play } from "./_play.ts";
import { thereMsDefault, World } from "./_world.ts";
import { checkSimulation } from "./simulation_options.ts";
import type { SimulationOptions, SimulationReport } from "./simulation_options.ts";

/**
 * Runs a simulation to its end, or to the first view that did not follow in time.
 *
 * @throws {RangeError} for options out of their ranges
 * @throws the signal's reason
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  checkSimulation(options);
  // The first boot of a process loads modules, which takes real time; the clock must not wait for it.
  await warmUp(new World({ nodes: 1, seed: 0 }));
  const { realTime = realClock(), signal } = options;
  const world = new World(options);
  const startMs = realTime.monotonicMs();
  const course: Course = { actions: {}, foundedMs: 0, foundedRealMs: 0, endedMs: 0, liveNodes: 0 };
  try {
    await run(world, { options, course, realMs: () => realTime.monotonicMs() - startMs });
  } catch (thrown) {
    // Whatever a node throws ends a run that its seed repeats.
    signal?.throwIfAborted();
    world.fail(`it broke off: ${thrown instanceof Error ? thrown.message : thrown}`);
  } finally {
    course.endedMs = world.nowMs;
    course.liveNodes = world.live.length;
    await world.close();
  }
  return reportOf(world, { options, course, realMs: realTime.monotonicMs() - startMs });
}

/** How far a simulation came, and when. */
interface Course {
  readonly actions: Record<string, number>;
  foundedMs: number;
  foundedRealMs: number;
  endedMs: number;
  liveNodes: number;
}

async function run(
  world: World,
  { options, course, realMs }: {
    readonly options: SimulationOptions;
    readonly course: Course;
    readonly realMs: () => number;
  },
): Promise<void> {
  const { thereMsMax = thereMsDefault, durationMs = 60_000, actions = [], signal } = options;
  const settle = (): Promise<void> => settleViews(world, { thereMsMax, signal });
  await found(world);
  await settle();
  world.tell(0, `founded with ${world.nodes.length}`);
  world.weigh();
  course.foundedMs = world.nowMs;
  course.foundedRealMs = realMs();
  world.expectations.forgetLags();
  const endMs = actions.find(({ kind }) => kind === "end")?.atMs ?? durationMs;
  await play(world, { actions, endMs, signal, settle, counts: course.actions });
  await settle();
}

function reportOf(
  world: World,
  { options, course, realMs }: {
    readonly options: SimulationOptions;
    readonly course: Course;
    readonly realMs: number;
  },
): SimulationReport {
  const { log, expectations, failure, residentBytesMax } = world;
  const { endedMs: virtualMs, foundedMs, foundedRealMs, actions, liveNodes } = course;
  return {
    seed: options.seed,
    nodes: options.nodes,
    ok: failure === undefined,
    failure,
    lastLines: failure === undefined ? [] : log.lastLines,
    virtualMs,
    realMs,
    rate: virtualMs / Math.max(realMs, 1),
    foundedMs,
    foundedRealMs,
    residentBytesMax,
    events: log.count,
    digest: log.digest,
    actions: { ...actions },
    liveNodes,
    ...expectations.lags(),
    relapses: expectations.relapses,
  };
}
