/**
 * Compares us with named peers: `deno task bench [--small] [--json] [--only NAME] [--pairs TEXT]
 * [--models FOLDER]`.
 *
 * Runs every row under Deno and under Node, prints a table for each, appends NDJSON to
 * bench/results/, and renders bench/REPORT.md from the newest result of each row. With `--here` only
 * under this runtime, with nothing written; `--json` prints a line per result instead of the table;
 * `--small` takes quick inputs, whose figures mean nothing.
 *
 * A machine is seldom quiet for long, so the table may be measured in pieces: `--only` takes the name
 * of a row, `hot` for all that are no models, a model such as `110m-q8_0`, `inference` for all
 * models, `mesh` for models over several processes, `report` to render only. Of a model, `--pairs`
 * takes those whose "work: ours / peer" contains a text, or `footprint`; `--models` keeps the
 * generated files. Exits with 1 when a gate is missed, unless as JSON.
 */
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { denoCommand, findNode, runCommand } from "../npm/tools.ts";
import { FEATURES_UNREAD, machineLine, runRow, RUNTIME } from "./harness.ts";
import type { RowResult } from "./harness.ts";
import { installPeers } from "./peers/load.ts";
import { measureModel, tellOnTerminal } from "./inference/measure.ts";
import { MODEL_ROWS, nameOf, SMALL_ROWS, somePairs } from "./inference/rows.ts";
import { meshParts } from "./mesh/measure.ts";
import { tableOf, writeReport } from "./report.ts";
import type { RuntimeResults, Section } from "./report.ts";
import { readResults, recordResults } from "./results_file.ts";
import { ROW_GROUPS } from "./rows.ts";

const RUN_MS_MAX = 15 * 60_000;

const { values: flags } = parseArgs({
  options: {
    small: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    here: { type: "boolean", default: false },
    only: { type: "string" },
    pairs: { type: "string" },
    models: { type: "string" },
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
function runUnder(command: readonly string[], only = flags.only): RuntimeResults {
  const own = [fileURLToPath(import.meta.url), "--here", "--json"];
  const passed = [
    flags.small ? ["--small"] : [],
    only === undefined || only === "hot" ? [] : ["--only", only],
  ];
  const { stdout } = runCommand([...command, ...own, ...passed.flat()], { timeoutMs: RUN_MS_MAX });
  const lines = stdout.trim().split("\n").map((line): RowResult | { machine: string } =>
    JSON.parse(line)
  );
  const results = lines.filter((line) => "peer" in line);
  const [first] = lines;
  return { machine: first !== undefined && "machine" in first ? first.machine : "", results };
}

/** How this file is run under either runtime. */
function bothCommands(): readonly (readonly string[])[] {
  // The peers' packages are resolved from their own folder, as Node does.
  const allowed = ["net", "read", "write", "env", "sys", "run", "ffi"].map((name) =>
    `--allow-${name}`
  );
  const denoFlags = ["run", "--no-prompt", ...allowed, "--no-config", "--node-modules-dir=manual"];
  const node = [findNode(24), "--disable-warning=MODULE_TYPELESS_PACKAGE_JSON"];
  return [[...denoCommand(), ...denoFlags], node];
}

/** The processor's features, of the runtime that lets them be read; it is the same machine. */
function featuresOf(machines: readonly string[]): string {
  return machines.map((machine) => /\(SHA-NI[^)]*\)/.exec(machine)?.[0]).find(Boolean) ??
    FEATURES_UNREAD;
}

function runBoth(): readonly RuntimeResults[] {
  const runs = bothCommands().map((command) => runUnder(command));
  const features = featuresOf(runs.map(({ machine }) => machine));
  const runtimes = runs.map(({ machine, results }): RuntimeResults => ({
    machine: machine.replace(FEATURES_UNREAD, features),
    results,
  }));
  for (const { machine, results } of runtimes) {
    if (flags.json) { for (const each of results) console.log(JSON.stringify(each)); }
    else console.log(`${machine}\n${tableOf(results)}\n`);
  }
  return runtimes;
}

/** The machine, and both runtimes, for what several processes measured. */
function machineOfBoth(): string {
  const lines = bothCommands().map((command) => runUnder(command, "nothing").machine);
  const features = featuresOf(lines);
  const [first = ""] = lines;
  const runtimes = lines.map((line) => line.replace(/^.*\), /, "")).join("; ");
  return `${first.replace(/ \([^()]*\), .*$/, "")} ${features}, ${runtimes}`;
}

/** The inference table: contenders are processes, of both runtimes, so it is measured once. */
async function runInference(): Promise<boolean> {
  const options = { small: flags.small, tell: tellOnTerminal, models: flags.models };
  const chosen = (flags.small ? SMALL_ROWS : MODEL_ROWS).filter((rows) =>
    flags.only === undefined || flags.only === "inference" || flags.only === nameOf(rows)
  );
  const parts = chosen.map((rows) => () => measureModel(somePairs(rows, flags.pairs), options));
  if (flags.only === undefined || flags.only === "mesh") parts.push(...meshParts(options));
  const machine = flags.small ? "" : machineOfBoth();
  let pass = true;
  for (const part of parts) {
    const measured = await part();
    const { results, notes } = measured;
    if (flags.json) { for (const each of results) console.log(JSON.stringify(each)); }
    else console.log([tableOf(results), ...notes.map((note) => `- ${note}`), ""].join("\n"));
    if (!flags.small) recordResults(machine, measured);
    pass &&= results.every((each) => each.pass);
  }
  return pass;
}

function runHotPath(): boolean {
  const runtimes = runBoth();
  if (!flags.small) {
    for (const { machine, results } of runtimes) recordResults(machine, { results });
  }
  return runtimes.every(({ results }) => results.every((each) => each.pass));
}

/** Renders the newest results of all rows that there still are. */
function render(): void {
  const { results, notes } = readResults();
  const models = MODEL_ROWS.map(nameOf);
  const hot = new Set(ROW_GROUPS.flatMap(({ rows }) => rows).map(({ name }) => name));
  const others = new Map(
    results.filter(({ name }) => !hot.has(name)).map(({ name, what }) => [name, { name, what }]),
  ).values();
  const order = ({ name }: { readonly name: string }): number =>
    (models.findIndex((model) => name.endsWith(model)) + models.length + 1) % (models.length + 1);
  const rows = [...others].sort((a, b) => order(a) - order(b));
  const inference: Section = { title: "Inference", rows, notes };
  writeReport(new URL("./", import.meta.url), results, [...ROW_GROUPS, inference]);
  runCommand([...denoCommand(), "fmt", fileURLToPath(new URL("REPORT.md", import.meta.url))]);
}

const hotOnly = ROW_GROUPS.flatMap(({ rows }) => rows).some(({ name }) => name === flags.only);
const known = ["hot", "inference", "mesh", "report", "nothing", ...MODEL_ROWS.map(nameOf)];
if (flags.only !== undefined && !hotOnly && !known.includes(flags.only)) {
  throw new RangeError(`Cannot measure "${flags.only}" as it is neither a row nor one of ${known}`);
}
const isHot = flags.only === undefined || flags.only === "hot" || hotOnly;
if (flags.here) {
  const { results } = await runHere();
  process.exitCode = results.every((each) => each.pass) || flags.json ? 0 : 1;
} else {
  if (!flags.small && flags.only !== "mesh" && flags.only !== "report" && !installPeers()) {
    console.error("Some peers are missing: npm could not install them");
  }
  const hotPasses = !isHot || runHotPath();
  const modelsPass = flags.only === "report" || (isHot && flags.only !== undefined) ||
    await runInference();
  if (!flags.small) render();
  // Small inputs say nothing about gates; whoever reads JSON looks for itself.
  process.exitCode = (hotPasses && modelsPass) || flags.small || flags.json ? 0 : 1;
}
