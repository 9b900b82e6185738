/** Renders results as a table for the terminal, and as bench/REPORT.md with a bar chart per row. */
import { mkdirSync, writeFileSync } from "node:fs";
import type { RowResult } from "./harness.ts";
import type { RecordedResult } from "./results_file.ts";

/** A part of the report: which rows it shows, by name, and what is to be said of them. */
export interface Section {
  readonly title: string;
  readonly rows: readonly { readonly name: string; readonly what: string }[];
  readonly notes?: readonly string[];
}

/** Results of one runtime, and the machine that they come from. */
export interface RuntimeResults {
  readonly machine: string;
  readonly results: readonly RowResult[];
}

const BAR_HEIGHT = 16;
const CHART_WIDTH = 640;
const LABEL_WIDTH = 260;

/** The results as lines: row, peer, both times, ratio, gate. */
export function tableOf(results: readonly RowResult[]): string {
  const several = new Set(results.map(({ runtime }) => runtime)).size > 1;
  const head = ["row", "peer", "ours", "peer's", "ratio", "gate", ""];
  const lines = results.map((each) => [
    several ? `${each.name} (${each.runtime})` : each.name,
    each.peer,
    figureText(each, each.ourNs),
    figureText(each, each.peerNs),
    `${each.ratio.toFixed(2)}x`,
    each.gate === null ? "-" : `${each.gate.toFixed(2)}x`,
    verdictOf(each),
  ]);
  const widths = head.map((title, i) =>
    Math.max(title.length, ...lines.map((line) => line[i]?.length ?? 0))
  );
  return [head, ...lines]
    .map((line) => line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join("  ").trimEnd())
    .join("\n");
}

/** Writes REPORT.md and its charts into `folder`, of results of which each row has the newest. */
export function writeReport(
  folder: URL,
  results: readonly RecordedResult[],
  groups: readonly Section[],
): void {
  mkdirSync(new URL("results/charts/", folder), { recursive: true });
  const machines = [...new Set(results.map(({ machine }) => machine))].sort();
  const sections = groups.map(({ title, rows, notes = [] }) => {
    const parts = rows.flatMap((row) => {
      const own = results.filter((each) => each.name === row.name);
      if (own.length === 0) return [];
      writeFileSync(new URL(`results/charts/${row.name}.svg`, folder), chartOf(row.what, own));
      const table = markdownOf(own);
      return [
        `### ${row.what}\n\n![${row.what}](results/charts/${row.name}.svg)\n\n${table}\n\n` +
        `${whenAndWhere(own, machines)}\n`,
      ];
    });
    const said = notes.length === 0 ? "" : `\n${notes.map((note) => `- ${note}`).join("\n")}\n`;
    return `## ${title}\n\n${parts.join("\n")}${said}`;
  });
  writeFileSync(
    new URL("REPORT.md", folder),
    `# Benchmarks against named peers

Written by \`bench/main.ts\`: do not edit. Medians of interleaved runs; a ratio is the peer's time over
ours, so above 1 we are faster. A gate is the ratio that must hold. Times by themselves say little on
a shared machine. Rows where a peer wins are here too. Each row is the newest that was measured, of
all in \`results/peers.ndjson\`.

${machines.map((machine, i) => `${i + 1}. ${machine}`).join("\n")}

${sections.join("\n")}`,
  );
}

/** "Measured 2026-11-21 17:55 UTC on machine 1". */
function whenAndWhere(
  results: readonly RecordedResult[],
  machines: readonly string[],
): string {
  const dates = [...new Set(results.map(({ date }) => date))].sort();
  const shown = [dates[0], ...dates.slice(1).slice(-1)].map((date = "") =>
    date.length === 10 ? date : `${date.slice(0, 10)} ${date.slice(11, 16)} UTC`
  );
  const numbers = [...new Set(results.map(({ machine }) => machines.indexOf(machine) + 1))].sort();
  const where = numbers.length === 1 ? "machine" : "machines";
  return `Measured ${shown.join(" to ")} on ${where} ${numbers.join(", ")} of the list above.`;
}

function markdownOf(results: readonly RowResult[]): string {
  const lines = results.map((each) =>
    `| ${each.runtime} | ${each.peer} | ${figureText(each, each.ourNs)} | ` +
    `${figureText(each, each.peerNs)} | ` +
    `${each.ratio.toFixed(2)}x | ${each.gate === null ? "" : `${each.gate.toFixed(2)}x`} | ` +
    `${verdictOf(each)} |`
  );
  return ["| runtime | peer | ours | peer's | ratio | gate | |", "|---|---|--:|--:|--:|--:|---|"]
    .concat(lines).join("\n");
}

function verdictOf(result: RowResult): string {
  if (!result.pass) return "MISSED";
  if (result.small) return "small";
  if (result.gate !== null) return "holds";
  return result.ratio < 1 ? "peer wins" : "";
}

function figureText({ unit }: RowResult, value: number): string {
  return unit === "bytes" ? `${(value / 1e6).toFixed(0)} MB` : timeText(value);
}

function timeText(ns: number): string {
  if (ns < 1e3) return `${ns.toFixed(ns < 100 ? 1 : 0)} ns`;
  return ns < 1e6 ? `${(ns / 1e3).toFixed(1)} us` : `${(ns / 1e6).toFixed(2)} ms`;
}

/** Horizontal bars of times, ours first for each runtime; shorter is faster. */
function chartOf(title: string, results: readonly RowResult[]): string {
  const runtimes = [...new Set(results.map((each) => each.runtime))];
  const unit = results[0];
  const bars = runtimes.flatMap((runtime) => {
    const own = results.filter((each) => each.runtime === runtime);
    const ours = { label: `skep (${runtime})`, ns: own[0]?.ourNs ?? 0, own: true };
    const others = own.filter(({ peer }) => !peer.startsWith("skep, ") || results.length === 1);
    return [ours, ...others.map((each) => ({ label: each.peer, ns: each.peerNs, own: false }))];
  });
  const longest = Math.max(...bars.map((bar) => bar.ns));
  const room = CHART_WIDTH - LABEL_WIDTH - 80;
  const shapes = bars.map((bar, i) => {
    const y = 26 + i * (BAR_HEIGHT + 4);
    const width = Math.max(1, bar.ns / longest * room).toFixed(1);
    const fill = bar.own ? "#c98a1b" : "#8a94a0";
    return `<text x="${LABEL_WIDTH - 6}" y="${y + 12}" text-anchor="end">${
      escape(bar.label)
    }</text>` +
      `<rect x="${LABEL_WIDTH}" y="${y}" width="${width}" height="${BAR_HEIGHT}" fill="${fill}"/>` +
      `<text x="${LABEL_WIDTH + Number(width) + 6}" y="${y + 12}">${
        unit === undefined ? "" : figureText(unit, bar.ns)
      }</text>`;
  });
  const height = 34 + bars.length * (BAR_HEIGHT + 4);
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${CHART_WIDTH}" height="${height}" ` +
    `font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>` +
    `<text x="6" y="16" font-weight="bold">${escape(title)} (shorter is better)</text>` +
    `${shapes.join("")}</svg>\n`;
}

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
