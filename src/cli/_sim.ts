/** What `skep sim` does: reads the script, simulates, and prints what came of it. */
import { readWholeFile } from "../ports/mod.ts";
import { parseScript, parseTime, simulate } from "../simulation/mod.ts";
import type { Action, Lag, SimulationOptions, SimulationReport } from "../simulation/mod.ts";
import { absolutePath } from "./_options.ts";
import { columns, formatDuration, painterFor } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes, sentenceOf } from "./exit_code.ts";
import type { SimOptions } from "./sim.ts";

/** Bytes of a script, at most. */
const scriptBytesMax = 1024 * 1024;

/** Simulates, and prints what came of it. @throws {CliError} for a script that can't be read */
export async function sim(io: CliIo, options: SimOptions): Promise<number> {
  const drawn = new DataView(io.random.fill(new Uint8Array(4)).buffer).getUint32(0);
  const seed = options.seed ?? drawn;
  const stopping = new AbortController();
  const off = io.onSignal("SIGINT", () => stopping.abort());
  const print = (line: string): void => (options.json ? io.stderr : io.stdout).write(`${line}\n`);
  try {
    const asked: SimulationOptions = {
      ...await simulationOf(io, options),
      seed,
      realTime: io.clock,
      signal: stopping.signal,
    };
    const report = await simulate(options.events ? { ...asked, onLine: print } : asked);
    const again = options.replay && report.ok ? await simulate(asked) : undefined;
    const isSame = again === undefined ? undefined : again.digest === report.digest;
    const repeat = commandOf(options, seed);
    if (options.json) {
      const failed = report.ok ? {} : { repeat };
      const replay = isSame === undefined ? {} : { isSame };
      io.stdout.write(`${JSON.stringify({ ...report, ...replay, ...failed })}\n`);
    } else io.stdout.write(textOf(io, { report, isSame, repeat }));
    return report.ok && isSame !== false ? exitCodes.ok : exitCodes.failure;
  } catch (thrown) {
    if (stopping.signal.aborted) return exitCodes.interrupted;
    throw thrown;
  } finally {
    off();
  }
}

async function simulationOf(
  io: CliIo,
  options: SimOptions,
): Promise<Omit<SimulationOptions, "seed">> {
  const { nodes, loss, script } = options;
  try {
    const actions: Action[] = script === undefined
      ? []
      : [...parseScript(await scriptText(io, script), nodes)];
    const asked = options.for === undefined ? undefined : parseTime(options.for);
    const ended = actions.find(({ kind }) => kind === "end")?.atMs ?? actions.at(-1)?.atMs ?? 0;
    const durationMs = asked ?? Math.max(ended, 60_000);
    if (options.churn !== undefined) {
      const [everyMs, downMs] = [
        positiveTime("--churn", options.churn),
        positiveTime("--down", options.down),
      ];
      actions.push({ kind: "churn", atMs: 0, everyMs, downMs, untilMs: durationMs });
    }
    actions.sort((one, other) => one.atMs - other.atMs);
    return { nodes, loss, actions, durationMs };
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new CliError({ exitCode: exitCodes.usage, message: thrown.message, cause: thrown });
  }
}

/** @throws {SyntaxError} for what is no time, and for none at all */
function positiveTime(name: string, text: string): number {
  const ms = parseTime(text);
  if (ms > 0) return ms;
  throw new SyntaxError(
    `Cannot simulate as ${name} must be longer than nothing: current value is "${text}"`,
  );
}

async function scriptText(io: CliIo, file: string): Promise<string> {
  try {
    const path = absolutePath(io, file);
    const bytes = await readWholeFile(io.disk, { path, bytesMax: scriptBytesMax });
    return new TextDecoder().decode(bytes);
  } catch (cause) {
    const message = `Cannot read the script "${file}": ${sentenceOf(cause)}`;
    throw new CliError({ exitCode: exitCodes.failure, message, cause });
  }
}

/** The command that repeats a run. */
function commandOf(options: SimOptions, seed: number): string {
  const { script, nodes, churn, down, loss } = options;
  return [
    "skep sim",
    ...(script === undefined ? [] : [JSON.stringify(script)]),
    `--nodes ${nodes} --seed ${seed}`,
    ...(options.for === undefined ? [] : [`--for ${options.for}`]),
    ...(churn === undefined ? [] : [`--churn ${churn} --down ${down}`]),
    ...(loss === 0 ? [] : [`--loss ${loss}`]),
  ].join(" ");
}

function textOf(
  io: CliIo,
  about: {
    readonly report: SimulationReport;
    readonly isSame: boolean | undefined;
    readonly repeat: string;
  },
): string {
  const { report, isSame, repeat } = about;
  const paint = painterFor(io, io.stdout);
  const { nodes, seed, virtualMs, realMs, rate, gone, parted, there } = report;
  const { foundedMs, foundedRealMs, residentBytesMax } = report;
  const rows: (readonly [string, string])[] = [
    ["nodes", `${nodes}, ${report.liveNodes} of them up at the end`],
    ["seed", String(seed)],
    ["actions", actionsText(report.actions)],
    ["time", `${formatDuration(virtualMs)} in ${formatDuration(realMs)}: ${rate.toFixed(1)} to 1`],
    ["founding", `${formatDuration(foundedMs)} of it, in ${formatDuration(foundedRealMs)}`],
    ["memory", `${Math.round(residentBytesMax / 2 ** 20)} MiB at most`],
    ["who went", lagText(gone, "lost")],
    ...(parted.count === 0 ? [] : [["who was parted", lagText(parted, "lost")] as const]),
    ["who came", lagText(there, "found")],
    ["relapses", String(report.relapses)],
    ["events", String(report.events)],
    ["digest", report.digest],
  ];
  if (isSame !== undefined) rows.push(["replay", isSame ? "the same" : "not the same"]);
  const failure = report.failure === undefined ? [] : [
    paint("dim", report.lastLines.slice(-20).join("\n")),
    paint("red", report.failure),
  ];
  const again = report.ok && isSame !== false ? [] : [`Repeat it with: ${repeat}`];
  const verdict = report.ok ? ["Every node saw exactly those that were there, in time"] : [];
  return columns(rows) + [...failure, ...verdict, ...again].map((line) => `${line}\n`).join("");
}

/** What has happened to the nodes. */
function actionsText(actions: Readonly<Record<string, number>>): string {
  const counts = Object.entries(actions)
    .filter(([kind, count]) => count > 0 && kind !== "end")
    .map(([kind, count]) => kind === "churn" ? `${count} gone by churn` : `${count} ${kind}`);
  return counts.join(", ") || "none: --churn, or a script, lets nodes go";
}

/** After how long the others no longer saw somebody, or saw him; each of them counts. */
function lagText({ count, medianMs, p95Ms, maxMs }: Lag, verb: "lost" | "found"): string {
  if (count === 0) return "nobody";
  const [median, p95, max] = [medianMs, p95Ms, maxMs].map((ms) => Math.round(ms));
  const times = `after ${median} ms (median), ${p95} (95 %), ${max} (most)`;
  return `${verb} by others ${times}; ${count} views`;
}
