/** Colours and columns for people: colours only on a terminal, and never with NO_COLOR. */
import type { CliIo, CliOutput } from "./cli_io.ts";

/** Select Graphic Rendition parameters (ECMA-48 section 8.3.117). */
const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

/** Paints text, or leaves it as it is. */
export type Paint = (style: keyof typeof codes, text: string) => string;

/** The painter for an output; https://no-color.org and SKEP_NO_COLOR turn it off. */
export function painterFor(io: CliIo, output: CliOutput): Paint {
  const plain = !output.isTerminal || io.environment("NO_COLOR") !== undefined ||
    io.environment("SKEP_NO_COLOR") !== undefined;
  return (style, text) => plain ? text : `\x1b[${codes[style]}m${text}\x1b[0m`;
}

/** Lines of `name  value`, the values in one column. */
export function columns(
  rows: readonly (readonly [name: string, value: string])[],
  indent = "",
): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${indent}${name.padEnd(width)}  ${value}\n`).join("");
}

/** Bytes for people, in decimal units: "1.2 MB". */
export function formatBytes(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A duration for people: "3 h 12 min", "41 s", "535 ms". */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 24
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** Text of others for a terminal: control characters are shown, not obeyed; newlines and tabs stay. */
export function safeText(text: string): string {
  return text.replaceAll(/[^\P{Cc}\n\t]/gu, "\ufffd");
}
