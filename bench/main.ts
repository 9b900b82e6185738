/**
 * Compares us with named peers: `deno task bench [--small] [--json] [--only name]`.
 *
 * Runs every row under Deno and under Node, prints a table for each, appends NDJSON to
 * bench/results/, and renders bench/REPORT.md. With `--here` only under this runtime, with nothing
 * written; `--json` prints a line per result instead of the table; `--small` takes quick inputs, whose
 * figures mean nothing; `--only inference` measures models alone, `--only mesh` models over several
 * processes. Exits with 1 when a gate is missed,
 * unless as JSON.
 */
import { appendFileSync, mkdirSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { denoCommand, findNode, runCommand } from "../npm/tools.ts";
import { FEATURES_UNREAD, machineLine, type RowResult, runRow, RUNTIME } from "./harness.ts";
import { installPeers } from "./peers/load.ts";
import { measureModel, tellOnTerminal } from "./inference/measure.ts";
import { MODEL_ROWS, SMALL_ROWS } from "./inference/rows.ts";
import { measureMesh } from "./mesh/measure.ts";
import { type RuntimeResults, type Section, tableOf, writeReport } from "./report.ts";
import { ROW_GROUPS } from "./rows.ts";

const RUN_MS_MAX = 15 * 60_000;

const { values: flags } = parseArgs({
  options: {
    small: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    here: { type: "boolean", default: false },
    only: { type: "string" },
  },
});

/** Runs the rows that were asked for under this runtime, and prints each as it is done. */
async function runHere(): Promise<RuntimeResults> {
  const machine = machineLine();
  if (flags.json) console.log(JSON.stringify({ machine }));
  else console.log(machine);
  const all: RowResult[] = [];
  for (const row of ROW_GROUPS.flatMap(({ rows }) => rows)) {
    if (flags.only !== undefined && row.name !== flags.only) continue;
    if (row.only !== undefined && row.only !== RUNTIME) continue;
    const results = await runRow(row, flags.small);
    if (flags.json) { for (const each of results) console.log(JSON.stringify(each)); }
    all.push(...results);
  }
  if (!flags.json) console.log(tableOf(all));
  return { machine, results: all };
}

/** Runs this file under another runtime and reads what it prints. */
function runUnder(command: readonly string[]): RuntimeResults {
  const own = [fileURLToPath(import.meta.url), "--here", "--json"];
  const passed = [
    flags.small ? ["--small"] : [],
    flags.only === undefined ? [] : ["--only", flags.only],
  ];
  const { stdout } = runCommand([...command, ...own, ...passed.flat()], { timeoutMs: RUN_MS_MAX });
  const lines = stdout.trim().split("\n").map((line): RowResult | { machine: string } =>
    JSON.parse(line)
  );
  const results = lines.filter((line) => "peer" in line);
  const [first] = lines;
  return { machine: first !== undefined && "machine" in first ? first.machine : "", results };
}

function runBoth(): readonly RuntimeResults[] {
  // The peers' packages are resolved from their own folder, as Node does.
  const allowed = ["net", "read", "write", "env", "sys", "run", "ffi"].map((name) =>
    `--allow-${name}`
  );
  const denoFlags = ["run", "--no-prompt", ...allowed, "--no-config", "--node-modules-dir=manual"];
  const node = [findNode(24), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
  const runs = [runUnder([...denoCommand(), ...denoFlags]), runUnder(node)];
  // Deno doesn't let them be read; it is the same machine.
  const features = runs.map(({ machine }) => /\(SHA-NI[^)]*\)/.exec(machine)?.[0]).find(Boolean);
  const runtimes = runs.map(({ machine, results }): RuntimeResults => ({
    machine: machine.replace(FEATURES_UNREAD, features ?? FEATURES_UNREAD),
    results,
  }));
  for (const { machine, results } of runtimes) {
    if (flags.json) { for (const each of results) console.log(JSON.stringify(each)); }
    else console.log(`${machine}\n${tableOf(results)}\n`);
  }
  return runtimes;
}

/** Appends the results, with date and machine, so that change is visible. */
function record(runtimes: readonly RuntimeResults[]): void {
  const folder = new URL("results/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const lines = runtimes.flatMap(({ machine, results }) =>
    results.map((each) => `${JSON.stringify({ date, machine, ...each })}\n`)
  );
  appendFileSync(new URL("peers.ndjson", folder), lines.join(""));
}

/** The inference table: contenders are processes, of both runtimes, so it is measured once. */
async function runInference(): Promise<Section & { readonly run: RuntimeResults }> {
  const results: RowResult[] = [];
  const notes: string[] = [];
  const options = { small: flags.small, tell: tellOnTerminal };
  const models = flags.only === "mesh" ? [] : flags.small ? SMALL_ROWS : MODEL_ROWS;
  const parts = models.map((rows) => () => measureModel(rows, options));
  if (flags.only !== "inference") parts.push(() => measureMesh(options));
  for (const part of parts) {
    const measured = await part();
    results.push(...measured.results);
    notes.push(...measured.notes);
    if (flags.json) { for (const each of measured.results) console.log(JSON.stringify(each)); }
    else console.log(`${tableOf(measured.results)}\n`);
  }
  if (!flags.json) { for (const note of notes) console.log(`- ${note}`); }
  const rows = new Map(results.map(({ name, what }) => [name, { name, what }])).values();
  return { title: "Inference", rows: [...rows], notes, run: { machine: "", results } };
}

if (!flags.small && flags.only !== "mesh" && !installPeers()) {
  console.error("Some peers are missing: npm could not install them");
}
const hotPath = flags.only !== "inference" && flags.only !== "mesh";
const modelsToo = !flags.here && (flags.only === undefined || !hotPath);
const runtimes = flags.here ? [await runHere()] : hotPath ? runBoth() : [];
const inference = modelsToo ? await runInference() : undefined;
const all = inference === undefined ? runtimes : [...runtimes, inference.run];
if (inference !== undefined && !flags.small && hotPath) {
  record(all);
  writeReport(new URL("./", import.meta.url), all, [...ROW_GROUPS, inference]);
  runCommand([...denoCommand(), "fmt", fileURLToPath(new URL("REPORT.md", import.meta.url))]);
}
const missed = all.flatMap(({ results }) => results).filter((each) => !each.pass);
// Small inputs say nothing about gates; whoever reads JSON looks for itself.
process.exitCode = missed.length > 0 && !flags.small && !flags.json ? 1 : 0;
