/**
 * A mesh of whole nodes in one process: each is booted by the same `run` as a real one, over a
 * simulated network, a modelled disk and virtual time, and does only what a script says. One seed
 * gives one run, event for event.
 */
import { realClock } from "../ports/mod.ts";
import type { Invited, PeerList } from "../services/network/mod.ts";
import { MeshMedium, SeededRandom, VirtualClock } from "../sim/mod.ts";
import { drive } from "./_drive.ts";
import { Expectations } from "./_expectations.ts";
import { SimulatedNode } from "./_simulated_node.ts";
import type { NodeWorld } from "./_simulated_node.ts";
import { EventLog } from "./event_log.ts";
import type { Action, Churn } from "./script.ts";
import { checkSimulation } from "./simulation_options.ts";
import type { SimulationOptions, SimulationReport } from "./simulation_options.ts";

/** How often views are held against the truth, in milliseconds. */
const checkMs = 250;
const thereMsDefault = 60_000;

/**
 * Runs a simulation to its end, or to the first view that did not follow in time.
 *
 * @throws {RangeError} for options out of their ranges
 * @throws the signal's reason
 */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  checkSimulation(options);
  // The first boot of a process loads modules, which takes real time; the clock must not wait for it.
  await new World({ nodes: 1, seed: 0 }).warmUp();
  return await new World(options).run();
}

class World {
  readonly #options: SimulationOptions;
  readonly #clock = new VirtualClock();
  readonly #random: SeededRandom;
  readonly #medium: MeshMedium;
  readonly #log: EventLog;
  readonly #nodes: readonly SimulatedNode[];
  readonly #numbers: ReadonlyMap<string, number>;
  readonly #expectations: Expectations;
  readonly #counts: Record<string, number> = {};
  /** The group of each node that a partition names. */
  #groups = new Map<number, number>();
  #agenda: Action[] = [];
  #foundedMs = 0;
  #endMs = 0;
  #endedMs = 0;
  #liveNodes = 0;
  #failure: string | undefined;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = new SeededRandom(options.seed);
    this.#log = new EventLog(options.onLine);
    const { latencyMs = 5, jitterMs = 5, loss = 0 } = options;
    const random = new SeededRandom(this.#random.uint32());
    this.#medium = new MeshMedium({ clock: this.#clock, random, latencyMs, jitterMs, loss });
    const world = this.#nodeWorld();
    this.#nodes = Array.from({ length: options.nodes }, (_, i) => new SimulatedNode(i + 1, world));
    this.#numbers = new Map(this.#nodes.map(({ key, number }) => [key, number]));
    const { goneMsMax = 5_000, thereMsMax = thereMsDefault } = options;
    this.#expectations = new Expectations({
      count: options.nodes,
      isUp: (node) => this.#nodes[node - 1]?.isUp === true,
      numberOf: (key) => this.#numbers.get(key) ?? 0,
      hears: (one, other) => (this.#groups.get(one) ?? 0) === (this.#groups.get(other) ?? 0),
    }, { goneMsMax, thereMsMax });
  }

  /** Boots and ends the first node without letting time pass. */
  async warmUp(): Promise<void> {
    const [node] = this.#nodes;
    await node?.boot();
    node?.end("crash");
    await node?.ended;
  }

  async run(): Promise<SimulationReport> {
    const { realTime = realClock(), durationMs = 60_000, actions = [] } = this.#options;
    const startMs = realTime.monotonicMs();
    try {
      await this.#found();
      this.#foundedMs = this.#clock.monotonicMs();
      const end = actions.find(({ kind }) => kind === "end");
      this.#endMs = end?.atMs ?? durationMs;
      this.#agenda = [...actions];
      await this.#play();
      await this.#settleViews();
    } catch (thrown) {
      // Whatever a node throws ends a run that its seed repeats.
      this.#options.signal?.throwIfAborted();
      this.#fail(`it broke off: ${thrown instanceof Error ? thrown.message : thrown}`);
      this.#endedMs = this.#clock.monotonicMs();
    } finally {
      for (const node of this.#nodes) node.end("crash");
      await this.#runOut();
    }
    return this.#report(realTime.monotonicMs() - startMs);
  }

  /** Lets the programs of all nodes come to their ends. */
  async #runOut(): Promise<void> {
    let isDone = false;
    void Promise.all(this.#nodes.map(({ ended }) => ended)).then(() => isDone = true);
    while (!isDone) await this.#clock.advance(1);
  }

  #report(realMs: number): SimulationReport {
    const virtualMs = this.#endedMs;
    const { nodes, seed } = this.#options;
    return {
      seed,
      nodes,
      ok: this.#failure === undefined,
      failure: this.#failure,
      lastLines: this.#failure === undefined ? [] : this.#log.lastLines,
      virtualMs,
      realMs,
      rate: virtualMs / Math.max(realMs, 1),
      events: this.#log.count,
      digest: this.#log.digest,
      actions: { ...this.#counts },
      liveNodes: this.#liveNodes,
      ...this.#expectations.lags(),
      relapses: this.#expectations.relapses,
    };
  }

  /** The first node founds a mesh of all, and the others come in by tickets. */
  async #found(): Promise<void> {
    const [first, ...others] = this.#nodes;
    if (first === undefined) return;
    await this.#boot(first);
    await this.#drive(first.call<Invited>("mesh.invite"));
    for (const { key } of others) await this.#drive(first.call("peers.add", { key }));
    for (const node of others) {
      await this.#boot(node);
      const { ticket } = await this.#drive(first.call<Invited>("mesh.invite"));
      await this.#drive(node.call("mesh.join", { ticket }));
    }
    await this.#settleViews();
    this.#tell(0, `founded with ${this.#nodes.length}`);
  }

  async #play(): Promise<void> {
    let checkAtMs = checkMs;
    while (this.#failure === undefined) {
      this.#options.signal?.throwIfAborted();
      const next = this.#agenda[0];
      const atMs = Math.min(next?.atMs ?? Infinity, checkAtMs, this.#endMs);
      await this.#clock.advance(Math.max(0, this.#foundedMs + atMs - this.#clock.monotonicMs()));
      if (next !== undefined && next.atMs <= atMs) {
        this.#agenda.shift();
        await this.#act(next);
      } else if (atMs >= this.#endMs) return;
      else {
        checkAtMs += checkMs;
        this.#check();
      }
    }
  }

  /** Waits until no view is behind any more, as long as each may be; then every list is the truth. */
  async #settleViews(): Promise<void> {
    const { thereMsMax = thereMsDefault } = this.#options;
    const limitMs = this.#clock.monotonicMs() + 2 * thereMsMax;
    let wrong: string | undefined = "nothing was compared";
    while (this.#failure === undefined && wrong !== undefined) {
      this.#options.signal?.throwIfAborted();
      if (this.#expectations.pendingCount === 0) wrong = await this.#compareLists();
      if (wrong === undefined) break;
      await this.#clock.advance(checkMs);
      this.#check();
      if (this.#clock.monotonicMs() > limitMs) this.#fail(wrong);
    }
    this.#liveNodes = this.#nodes.filter(({ isUp }) => isUp).length;
    this.#endedMs = this.#clock.monotonicMs();
  }

  /** Asks every node for its list; says whose is not the truth. */
  async #compareLists(): Promise<string | undefined> {
    const live = this.#nodes.filter(({ isUp }) => isUp);
    for (const node of live) {
      const { peers } = await this.#drive(node.call<PeerList>("peers.list"));
      const wanted = live.filter((other) => other !== node && this.#hears(node, other)).length;
      const isRight = peers.length === wanted && peers.every(({ key, state }) => {
        const other = this.#nodes[(this.#numbers.get(key) ?? 0) - 1];
        return state !== "suspect" && other?.isUp === true && this.#hears(node, other);
      });
      if (!isRight) return `node ${node.number} does not list exactly the ${wanted} that are there`;
      const seen = peers.map(({ key, state }) => `${this.#numbers.get(key)}:${state}`);
      this.#tell(node.number, `list ${seen.join(" ")}`);
    }
    return undefined;
  }

  #hears(one: SimulatedNode, other: SimulatedNode): boolean {
    return (this.#groups.get(one.number) ?? 0) === (this.#groups.get(other.number) ?? 0);
  }

  #check(): void {
    const nowMs = this.#clock.monotonicMs();
    const broken = this.#expectations.broken(nowMs);
    if (broken === undefined) return;
    const { observer, subject, isThere, sinceMs } = broken;
    const what = isThere ? "does not see" : "still sees";
    this.#fail(
      `node ${observer} ${what} node ${subject}, ${Math.round(nowMs - sinceMs)} ms after it ${
        isThere ? "came" : "went"
      }`,
    );
  }

  #fail(why: string): void {
    this.#failure ??= `At ${(this.#clock.monotonicMs() / 1_000).toFixed(3)} s ${why}`;
  }

  async #act(action: Action): Promise<void> {
    this.#counts[action.kind] = (this.#counts[action.kind] ?? 0) + 1;
    switch (action.kind) {
      case "crash":
      case "cut":
      case "stop":
        for (const number of action.nodes) this.#end(number, action.kind);
        return;
      case "restart":
        for (const number of action.nodes) {
          const node = this.#nodes[number - 1];
          if (node?.isUp === false) await this.#boot(node);
        }
        return;
      case "partition":
        return this.#part(action.groups);
      case "heal":
        return this.#part([]);
      case "churn":
        return this.#churn(action);
      case "check":
        return await this.#settleViews();
      case "end":
    }
  }

  #end(number: number, how: "crash" | "cut" | "stop"): void {
    const node = this.#nodes[number - 1];
    if (node?.isUp !== true) return;
    this.#tell(number, how);
    node.end(how);
    this.#expectations.nodeChanged(number, this.#clock.monotonicMs());
  }

  async #boot(node: SimulatedNode): Promise<void> {
    await this.#drive(node.boot());
    this.#tell(node.number, "up");
    this.#expectations.nodeChanged(node.number, this.#clock.monotonicMs());
  }

  #part(groups: readonly (readonly number[])[]): void {
    this.#groups = new Map(groups.flatMap((all, i) => all.map((number) => [number, i + 1])));
    const keys = groups.map((all) => all.map((number) => this.#nodes[number - 1]?.key ?? ""));
    this.#tell(0, groups.length === 0 ? "heal" : `partition ${groups.join(" | ")}`);
    this.#medium.partition(keys);
    this.#expectations.allChanged(this.#clock.monotonicMs());
  }

  /** Takes one node out and plans its return, and the next one's end. */
  #churn(churn: Churn): void {
    const { atMs, everyMs, downMs, untilMs } = churn;
    const up = this.#nodes.filter(({ isUp }) => isUp);
    const [how, number] = [
      this.#random.pick(["crash", "cut", "stop"] as const),
      up[this.#random.below(Math.max(1, up.length))]?.number,
    ];
    if (number !== undefined && up.length * 2 > this.#nodes.length) {
      this.#end(number, how);
      this.#plan({ kind: "restart", atMs: atMs + this.#about(downMs), nodes: [number] });
    }
    const nextMs = atMs + this.#about(everyMs);
    if (nextMs < untilMs) this.#plan({ ...churn, atMs: nextMs });
  }

  #plan(action: Action): void {
    const later = this.#agenda.findIndex(({ atMs }) => atMs > action.atMs);
    this.#agenda.splice(later < 0 ? this.#agenda.length : later, 0, action);
  }

  /** Between half of a time and one and a half of it. */
  #about(ms: number): number {
    return Math.round(ms / 2 + this.#random.below(Math.max(1, Math.round(ms))));
  }

  #tell(node: number, what: string): void {
    this.#log.add(this.#clock.monotonicMs(), node, what);
  }

  #drive<T>(promise: Promise<T>): Promise<T> {
    return drive(promise, { clock: this.#clock, signal: this.#options.signal });
  }

  #nodeWorld(): NodeWorld {
    return {
      clock: this.#clock,
      medium: this.#medium,
      random: this.#random,
      onEvent: ({ number }, { kind, key, detail = "" }) => {
        const about = key === undefined ? "" : ` ${this.#numbers.get(key) ?? key}`;
        this.#tell(number, `${kind}${about} ${detail}`.trimEnd());
      },
      onPeers: ({ number }, { peers }) => {
        this.#expectations.seen(number, peers, this.#clock.monotonicMs());
      },
      onFailed: ({ number }, error) => this.#fail(`node ${number} ended by itself: ${error}`),
    };
  }
}
