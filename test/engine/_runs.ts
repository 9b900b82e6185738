/**
 * How long property tests run: `SKEP_TEST_RUNS` multiplies their runs.
 */
import process from "node:process";

/** The number of runs of a property that has `runs` by default. */
export function fixtureRuns(runs: number): number {
  const factor = Number(process.env["SKEP_TEST_RUNS"] ?? "1");
  return Math.max(1, Math.round(runs * (factor > 0 ? factor : 1)));
}
