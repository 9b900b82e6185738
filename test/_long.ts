/** Whether this run is a long one: `SKEP_TEST_RUNS` is above 1, as in the step of CI that proves all cases. */
import process from "node:process";

/** Tests leave out cases that others nearly are, unless this is true. */
export const isLong: boolean = Number(process.env["SKEP_TEST_RUNS"] ?? "1") > 1;
