/**
 * Writes src/model/tokenizers/pre/unicode_runs.gen.ts from the npm package @unicode/unicode-15.1.0 (MIT),
 * which is the Unicode Character Database in arrays:
 *
 *     npm pack @unicode/unicode-15.1.0 && tar xzf unicode-unicode-15.1.0-*.tgz
 *     deno run -A test/model/tokenizers/pre/make_unicode_runs.ts package
 */
import { writeFileSync } from "node:fs";
import { resolve } from "node:path";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const POINTS = 0x110000;
const LINE_CHARACTERS = 90;
const OUTPUT = new URL("../../../../src/model/tokenizers/pre/unicode_runs.gen.ts", import.meta.url);
/** General category to letter; what none has is unassigned: "X". */
const LETTERS: Readonly<Record<string, string>> = {
  Number: "N",
  Letter: "L",
  Mark: "M",
  Punctuation: "P",
  Symbol: "S",
  Separator: "Z",
  Control: "C",
  Format: "C",
  Private_Use: "C",
  Surrogate: "C",
};

async function letterOfPoints(folder: string): Promise<string[]> {
  const letters = new Array<string>(POINTS).fill("X");
  for (const [category, letter] of Object.entries(LETTERS)) {
    const path = resolve(folder, "General_Category", category, "code-points.mjs");
    const { default: points } = await import(pathToFileURL(path).href) as { default: number[] };
    for (const point of points) letters[point] = letter;
  }
  return letters;
}

function runsOf(letters: readonly string[]): string {
  let runs = "";
  for (let from = 0; from < POINTS;) {
    let to = from;
    while (to < POINTS && letters[to] === letters[from]) to++;
    const count = to - from;
    runs += `${letters[from]}${count === 1 ? "" : count.toString(36)}`;
    from = to;
  }
  return runs;
}

const runs = runsOf(await letterOfPoints(process.argv[2] ?? "package"));
const lines = runs.match(new RegExp(`.{1,${LINE_CHARACTERS}}`, "g")) ?? [];
writeFileSync(
  fileURLToPath(OUTPUT),
  `/**
 * General categories of Unicode 15.1, run by run. Written by
 * test/model/tokenizers/pre/make_unicode_runs.ts. Do not edit.
 *
 * Data: the Unicode Character Database, Copyright 1991-2023 Unicode, Inc., under the Unicode License V3
 * (https://www.unicode.org/license.txt).
 */

/**
 * A letter for each run of code points from U+0000 on, and its length in base 36 (1 is left out):
 * N number, L letter, M mark, P punctuation, S symbol, Z separator, C other, X unassigned.
 */
export const UNICODE_RUNS: string = [
${lines.map((line) => `  "${line}",`).join("\n")}
].join("");
`,
);
