/**
 * How benchmarks measure and report: named inputs, the best of some rounds, a checksum of the work.
 *
 * With `--small` on the command line a benchmark runs one round over small inputs; its figures then
 * mean nothing, but that it runs is seen.
 */
import process from "node:process";

/** Whether small inputs were asked for. */
export const small: boolean = process.argv.includes("--small");

/** One measurement. */
export interface Measurement {
  /** What is measured, with its input: "decode stories260K-q8_0". */
  readonly name: string;
  /** What a unit of work is: "token", "event", "byte". */
  readonly unit: string;
  /** Rounds to run, the first not counted. @default 5, or 1 when small */
  readonly rounds?: number;
  /** Does the work once. */
  readonly run: () => Promise<Work> | Work;
}

/** What a round did. */
export interface Work {
  /** Units of work. */
  readonly count: number;
  /** A number that depends on all results; equal in every round. */
  readonly checksum: number;
}

/**
 * Measures and prints one line of JSON: date, machine, runtime, best rate and median time.
 *
 * @throws {RangeError} when two rounds gave different checksums
 */
export async function measure(measurement: Measurement): Promise<void> {
  const { name, unit, run } = measurement;
  const rounds = small ? 1 : measurement.rounds ?? 5;
  const first = await run();
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const began = performance.now();
    const { checksum } = await run();
    seconds.push((performance.now() - began) / 1000);
    if (checksum !== first.checksum) {
      throw new RangeError(`Cannot trust "${name}" as its checksums differ: ${checksum}`);
    }
  }
  seconds.sort((a, b) => a - b);
  const best = seconds[0] ?? Infinity;
  console.log(JSON.stringify({
    name,
    rate: Number((first.count / best).toPrecision(4)),
    unit: `${unit}/s`,
    medianMs: Number(((seconds[seconds.length >> 1] ?? 0) * 1000).toPrecision(4)),
    count: first.count,
    checksum: first.checksum,
    date: new Date().toISOString().slice(0, 10),
    machine: `${process.platform}-${process.arch}`,
    runtime: process.versions["deno"] === undefined
      ? `node ${process.versions.node}`
      : `deno ${process.versions["deno"]}`,
  }));
}

/** Folds bytes into a checksum (FNV-1a, 32 bits). */
export function checksumOf(bytes: Uint8Array, seed = 0x811c9dc5): number {
  let hash = seed;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
