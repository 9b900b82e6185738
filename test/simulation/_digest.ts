/** Prints the digest of a simulation: `_digest.ts NODES SEED SECONDS`. A program of its own, for the other runtime. */
import process from "node:process";
import { simulate } from "../../src/simulation/mod.ts";

const [nodes = 0, seed = 0, seconds = 0] = process.argv.slice(2).map(Number);
const durationMs = seconds * 1_000;
const churn = { kind: "churn", atMs: 0, everyMs: 3_000, downMs: 4_000 } as const;
const { ok, digest } = await simulate({
  ...{ nodes, seed, durationMs },
  actions: [{ ...churn, untilMs: durationMs }],
});
process.stdout.write(`${JSON.stringify({ ok, digest })}\n`);
