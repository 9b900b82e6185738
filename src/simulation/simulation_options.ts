/** What a simulation is asked for, and what comes of it. */
import type { Clock } from "../ports/mod.ts";
import type { Lag } from "./_expectations.ts";
import type { Action } from "./script.ts";

/** Nodes of a simulation, at most: members of a mesh. */
export const simulatedNodesMax = 512;

/** What to simulate. */
export interface SimulationOptions {
  /** How many nodes: 1..512. */
  readonly nodes: number;
  /** Everything random follows from it: 0..2^32-1. */
  readonly seed: number;
  /** What happens; see `parseScript`. */
  readonly actions?: readonly Action[];
  /** Virtual time behind the founding of the mesh, ms; an "end" of the script wins. @default 60000 */
  readonly durationMs?: number;
  /** One-way delay of the network, ms. @default 5 */
  readonly latencyMs?: number;
  /** At most so much is added to each delay, ms. @default 5 */
  readonly jitterMs?: number;
  /** Probability that a packet is lost. @default 0 */
  readonly loss?: number;
  /** Until one that is gone must be in no view, ms. @default 5000 */
  readonly goneMsMax?: number;
  /**
   * Until one that can't be heard must be in no view of those that can't hear it, ms.
   *
   * @default 20000 above `network.linksMax` (32) nodes, where not all are linked; else `goneMsMax`
   */
  readonly partedMsMax?: number;
  /** Until one that is there must be in every view, ms. @default 60000 */
  readonly thereMsMax?: number;
  /** Told of each event: virtual milliseconds, the node's number (0: the world), what. */
  readonly onLine?: (line: string) => void;
  /** Measures the real time. @default the system's clock */
  readonly realTime?: Clock;
  /** Ends the simulation early. */
  readonly signal?: AbortSignal;
}

/** What came of it; plain data. */
export interface SimulationReport {
  readonly seed: number;
  readonly nodes: number;
  /** Whether every view followed in time. */
  readonly ok: boolean;
  /** Why not: one sentence. */
  readonly failure: string | undefined;
  /** The last events before a failure. */
  readonly lastLines: readonly string[];
  readonly virtualMs: number;
  readonly realMs: number;
  /** Virtual time over real time, the founding of the mesh included. */
  readonly rate: number;
  /** How long the mesh took to be founded and complete, in virtual and in real time. */
  readonly foundedMs: number;
  readonly foundedRealMs: number;
  /** The most memory that this process had while it simulated, in bytes. */
  readonly residentBytesMax: number;
  readonly events: number;
  /** SHA-256 over all events; the same for the same seed, script and release. */
  readonly digest: string;
  readonly actions: Readonly<Record<string, number>>;
  /** Nodes that were up at the end. */
  readonly liveNodes: number;
  /** How long views took, once the mesh was founded, to lose who went and to have who came. */
  readonly gone: Lag;
  readonly there: Lag;
  /** How long they took to lose those who were up but could not be heard any more. */
  readonly parted: Lag;
  /** Views that were right and became wrong for a while without a reason. */
  readonly relapses: number;
}

/** Checks the numbers. @throws {RangeError} for those out of their ranges */
export function checkSimulation({ nodes, seed }: SimulationOptions): void {
  checkWhole(nodes, { name: "nodes", min: 1, max: simulatedNodesMax });
  checkWhole(seed, { name: "seed", min: 0, max: 2 ** 32 - 1 });
}

function checkWhole(
  value: number,
  about: { readonly name: string; readonly min: number; readonly max: number },
): void {
  const { name, min, max } = about;
  if (Number.isInteger(value) && value >= min && value <= max) return;
  throw new RangeError(
    `Cannot simulate as '${name}' must be a whole number from ${min} to ${max}: current value is ${value}`,
  );
}
