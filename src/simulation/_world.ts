/**
 * The world of one simulation: its clock, its network, its nodes, who hears whom, and what has
 * happened. What is to happen, and whether it went well, is decided elsewhere.
 */
import * as v from "valibot";
import { memoryUsage } from "../platform/mod.ts";
import { networkConfig } from "../services/network/mod.ts";
import type { NetworkEvent } from "../services/network/mod.ts";
import { MeshMedium, SeededRandom, VirtualClock } from "../sim/mod.ts";
import { drive } from "./_drive.ts";
import { Expectations } from "./_expectations.ts";
import { SimulatedNode } from "./_simulated_node.ts";
import type { Ending, NodeWorld } from "./_simulated_node.ts";
import { EventLog } from "./event_log.ts";
import type { SimulationOptions } from "./simulation_options.ts";

/** Until one that is there must be in every view, in milliseconds, unless something else is asked. */
export const thereMsDefault = 60_000;
const goneMsDefault = 5_000;

/** Until those that can't be heard must be in no view, in a mesh that is not linked fully. */
const partedMsDefault = 20_000;

/** Nodes of a mesh that is linked fully, at most. */
const { linksMax } = v.parse(networkConfig, {});

/** A world. */
export class World {
  readonly clock: VirtualClock = new VirtualClock();
  readonly random: SeededRandom;
  readonly log: EventLog;
  readonly nodes: readonly SimulatedNode[];
  readonly expectations: Expectations;
  readonly #signal: AbortSignal | undefined;
  readonly #medium: MeshMedium;
  readonly #numbers: ReadonlyMap<string, number>;
  /** The group of each node that a partition names. */
  #groups = new Map<number, number>();
  #residentBytesMax = 0;
  #failure: string | undefined;

  /** @param options checked already */
  constructor(options: SimulationOptions) {
    this.#signal = options.signal;
    this.random = new SeededRandom(options.seed);
    this.log = new EventLog(options.onLine);
    const { latencyMs = 5, jitterMs = 5, loss = 0 } = options;
    const random = new SeededRandom(this.random.uint32());
    this.#medium = new MeshMedium({ clock: this.clock, random, latencyMs, jitterMs, loss });
    const world = this.#nodeWorld();
    this.nodes = Array.from({ length: options.nodes }, (_, i) => new SimulatedNode(i + 1, world));
    this.#numbers = new Map(this.nodes.map(({ key, number }) => [key, number]));
    const { goneMsMax = goneMsDefault, thereMsMax = thereMsDefault } = options;
    const { partedMsMax = options.nodes > linksMax ? partedMsDefault : goneMsMax } = options;
    this.expectations = new Expectations({
      count: options.nodes,
      isUp: (node) => this.nodes[node - 1]?.isUp === true,
      hears: (one, other) => this.hears(one, other),
      numberOf: (key) => this.numberOf(key),
    }, { goneMsMax, partedMsMax, thereMsMax });
  }

  /** Milliseconds of virtual time since the beginning. */
  get nowMs(): number {
    return this.clock.monotonicMs();
  }

  /** Why the simulation has failed. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** Nodes that are up. */
  get live(): readonly SimulatedNode[] {
    return this.nodes.filter(({ isUp }) => isUp);
  }

  /** The most memory of this process that was seen, in bytes. */
  get residentBytesMax(): number {
    return this.#residentBytesMax;
  }

  /** Looks how much memory this process has. */
  weigh(): void {
    const { residentBytes } = memoryUsage();
    this.#residentBytesMax = Math.max(this.#residentBytesMax, residentBytes);
  }

  /** The number of the node with a key; 0 for none. */
  numberOf(key: string): number {
    return this.#numbers.get(key) ?? 0;
  }

  /** Whether two nodes, by their numbers, are in one part of the network. */
  hears(one: number, other: number): boolean {
    return (this.#groups.get(one) ?? 0) === (this.#groups.get(other) ?? 0);
  }

  /** Lets time pass until a promise has settled. */
  drive<T>(promise: Promise<T>): Promise<T> {
    return drive(promise, { clock: this.clock, signal: this.#signal });
  }

  /** Begins a life of a node. */
  async boot(node: SimulatedNode): Promise<void> {
    await this.drive(node.boot());
    this.tell(node.number, "up");
    this.expectations.nodeChanged(node.number, this.nowMs);
  }

  /** Ends a node's life; nothing happens when it is down. */
  end(number: number, how: Ending): void {
    const node = this.nodes[number - 1];
    if (node?.isUp !== true) return;
    this.tell(number, how);
    node.end(how);
    this.expectations.nodeChanged(number, this.nowMs);
  }

  /** Parts the network into groups of nodes; those that none names are one more. None heals it. */
  part(groups: readonly (readonly number[])[]): void {
    this.#groups = new Map(groups.flatMap((all, i) => all.map((number) => [number, i + 1])));
    const keys = groups.map((all) => all.map((number) => this.nodes[number - 1]?.key ?? ""));
    this.tell(0, groups.length === 0 ? "heal" : `partition ${groups.join(" | ")}`);
    this.#medium.partition(keys);
    this.expectations.allChanged(this.nowMs);
  }

  /** Something has happened to a node; 0 is the world. */
  tell(node: number, what: string): void {
    this.log.add(this.nowMs, node, what);
  }

  /** The simulation has failed; the first reason holds. */
  fail(why: string): void {
    this.#failure ??= `At ${(this.nowMs / 1_000).toFixed(3)} s ${why}`;
  }

  /** Ends all lives, and lets their programs come to their ends. */
  async close(): Promise<void> {
    for (const node of this.nodes) node.end("crash");
    let isDone = false;
    void Promise.all(this.nodes.map(({ ended }) => ended)).then(() => isDone = true);
    while (!isDone) await this.clock.advance(1);
  }

  #nodeWorld(): NodeWorld {
    return {
      clock: this.clock,
      medium: this.#medium,
      random: this.random,
      onEvent: ({ number }, event) => this.tell(number, this.#textOf(event)),
      onPeers: ({ number }, { peers }) => this.expectations.seen(number, peers, this.nowMs),
      onFailed: ({ number }, error) => this.fail(`node ${number} ended by itself: ${error}`),
    };
  }

  #textOf({ kind, key, detail = "" }: NetworkEvent): string {
    const about = key === undefined ? "" : ` ${this.#numbers.get(key) ?? key}`;
    return `${kind}${about} ${detail}`.trimEnd();
  }
}
