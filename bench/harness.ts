/**
 * How a benchmark compares us with named peers: same run, same machine, interleaved rounds, medians.
 *
 * A row says what it measures and which ratio must hold against which peer (its gates). Times by
 * themselves mean little on a shared machine; ratios of the same run do.
 */
import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import process from "node:process";

/** The runtime of this process. */
export const RUNTIME: "deno" | "node" = process.versions["deno"] === undefined ? "node" : "deno";

/** One way to do the work. */
export interface Contender {
  /** Name of the package or function, as printed. */
  readonly name: string;
  /** Does the work once. Its result must not be thrown away by the compiler: see `keep`. */
  readonly run: () => void;
  /** A number that depends on all of what `run` computed; equal for contenders of equal work. */
  readonly checksum: () => number;
}

/** A ratio that must hold against a peer: its time over ours. */
export interface Gate {
  /** The peer's name, or "fastest". */
  readonly peer: string;
  /** By runtime; a runtime without one has no gate. */
  readonly node?: number;
  readonly deno?: number;
}

/** What a row compares. */
export interface Comparison {
  readonly ours: Contender;
  readonly peers: readonly Contender[];
  /** Units of work in one run, for the time per unit. */
  readonly units: number;
}

/** Times per unit in ns by contender name, one for each round. */
export type Samples = ReadonlyMap<string, readonly number[]>;

/** A row of the table. */
export interface Row {
  /** Name for `--only`, such as "blake3-1mib". */
  readonly name: string;
  /** What is measured, with its unit: "BLAKE3, 1 MiB, per MiB". */
  readonly what: string;
  readonly gates: readonly Gate[];
  /** Runtimes that it is about. @default both */
  readonly only?: "node" | "deno";
  /** Makes inputs and contenders. Peers that are not installed are left out. */
  readonly prepare: (small: boolean) => Promise<Comparison>;
  /** Replaces timing for rows that measure something else: a sample per round, in ns per unit. */
  readonly measure?: (comparison: Comparison, small: boolean) => Promise<Samples>;
}

/** What was measured against one peer. */
export interface RowResult {
  readonly name: string;
  readonly what: string;
  readonly runtime: string;
  readonly peer: string;
  /** The peer's time over ours, the median over rounds: above 1 we are faster. */
  readonly ratio: number;
  /** The ratio that must hold; null when there is none. */
  readonly gate: number | null;
  /** False when the gate is missed; small inputs miss none. */
  readonly pass: boolean;
  readonly ourNs: number;
  readonly peerNs: number;
  /** What the two figures are, where they are no times. @default "ns" */
  readonly unit?: "ns" | "bytes";
  /** Of our work; the same in every runtime and on every machine. */
  readonly checksum: number;
  readonly small: boolean;
}

let kept = 0;

/** Uses a number, so that what made it is not optimised away. */
export function keep(value: number): void {
  kept = (kept + value) | 0;
}

/**
 * Runs a row: checks that checksums agree, then times.
 *
 * @throws {RangeError} when contenders computed different things
 */
export async function runRow(row: Row, small: boolean): Promise<readonly RowResult[]> {
  const comparison = await row.prepare(small);
  const { ours, peers } = comparison;
  const checksum = checksumOnce(ours);
  for (const peer of peers) {
    const other = checksumOnce(peer);
    if (!Number.isNaN(other) && other !== checksum) {
      throw new RangeError(
        `Cannot compare "${row.name}" with ${peer.name} as it computed something else: ` +
          `${other}, not ${checksum}`,
      );
    }
  }
  const samples = row.measure === undefined
    ? timed(comparison, small)
    : await row.measure(comparison, small);
  const own = samples.get(ours.name) ?? [];
  const fastest = Math.min(...peers.map((peer) => medianOf(samples.get(peer.name) ?? [])));
  return peers.map((peer) => {
    const times = samples.get(peer.name) ?? [];
    const peerNs = medianOf(times);
    const gate = gateOf(row, peer.name, peerNs === fastest);
    // A shared machine slows down for seconds at a time; the two times of a round share its luck.
    const ratio = medianOf(times.map((time, round) => time / (own[round] ?? NaN)));
    const { name, what } = row;
    return {
      name,
      what,
      runtime: `${RUNTIME} ${process.versions["deno"] ?? process.versions.node}`,
      peer: peer.name,
      ratio,
      gate,
      pass: small || gate === null || ratio >= gate,
      ourNs: medianOf(own),
      peerNs,
      checksum,
      small,
    };
  });
}

function checksumOnce(contender: Contender): number {
  contender.run();
  return contender.checksum();
}

function gateOf(row: Row, peer: string, isFastest: boolean): number | null {
  const gates = row.gates
    .filter((gate) => gate.peer === peer || (gate.peer === "fastest" && isFastest))
    .map((gate) => gate[RUNTIME])
    .filter((ratio) => ratio !== undefined);
  return gates.length === 0 ? null : Math.max(...gates);
}

/** Times every contender in every round, each round beginning with another one. */
function timed(comparison: Comparison, small: boolean): Samples {
  const contenders = [comparison.ours, ...comparison.peers];
  const sampleMs = small ? 0.2 : 6;
  const rounds = small ? 3 : 41;
  const repeats = contenders.map((each) => calibrate(each, sampleMs));
  const samples = contenders.map((): number[] => []);
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < contenders.length; turn++) {
      const i = (round + turn) % contenders.length;
      const { run } = contenders[i] as Contender;
      const count = repeats[i] ?? 1;
      const began = performance.now();
      for (let k = 0; k < count; k++) run();
      samples[i]?.push((performance.now() - began) * 1e6 / count / comparison.units);
    }
  }
  return new Map(contenders.map((each, i) => [each.name, samples[i] ?? []]));
}

/** Repeats that take about `sampleMs`, found by doubling, which also warms the code. */
function calibrate(contender: Contender, sampleMs: number): number {
  for (let count = 1;; count *= 2) {
    const began = performance.now();
    for (let i = 0; i < count; i++) contender.run();
    const took = performance.now() - began;
    if (took >= sampleMs) return Math.max(1, Math.round(count * sampleMs / took));
  }
}

/** The middle of some numbers. */
export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;
}

/** What stands for the processor's features where the runtime does not let them be read. */
export const FEATURES_UNREAD = "(features unread)";

/** The machine in a line: CPU, what of it matters to the peers, runtime. */
export function machineLine(): string {
  const processors = cpus();
  const model = processors[0]?.model.trim() ?? "unknown CPU";
  const machine = `${process.platform}-${process.arch}, ${processors.length} x ${model}`;
  const version = process.versions["deno"] ?? process.versions.node;
  return `${machine} ${featuresOf(cpuFlags())}, ${RUNTIME} ${version}, V8 ${process.versions.v8}`;
}

function featuresOf(flags: ReadonlySet<string> | undefined): string {
  if (flags === undefined) return FEATURES_UNREAD;
  const features = [["sha_ni", "SHA-NI"], ["avx2", "AVX2"], ["avx512f", "AVX-512"]];
  const vector = [["avx512_vnni", "AVX-512 VNNI"], ["avx_vnni", "AVX-VNNI"], ["amx_int8", "AMX"]];
  const has = [...features, ...vector].map(([flag = "", name]) =>
    `${name} ${flags.has(flag) ? "yes" : "no"}`
  );
  return `(${has.join(", ")})`;
}

/** The processor's flags; Deno lets only a process that may do everything read them. */
function cpuFlags(): ReadonlySet<string> | undefined {
  try {
    const line = /^flags\s*:(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "";
    return new Set(line.trim().split(/\s+/));
  } catch {
    return undefined;
  }
}
