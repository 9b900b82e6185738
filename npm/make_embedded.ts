/**
 * Makes src/model/embedded_bytes.ts from test/fixtures/models/stories260K/stories260K-q8_0.gguf.
 *
 * `deno run -A npm/make_embedded.ts` writes the file; with `--check` it only compares, and fails when
 * the file is not what it would write. Runs on Node 24 too.
 */
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";

const ROOT = new URL("../", import.meta.url);
const MODEL = new URL("test/fixtures/models/stories260K/stories260K-q8_0.gguf", ROOT);
const LICENCE = new URL("test/fixtures/models/stories260K/LICENSE", ROOT);
const TARGET = new URL("src/model/embedded_bytes.ts", ROOT);
const LINE_CHARACTERS = 100;

/** The text of the module for a model's bytes, with its licence in the header. */
export function embeddedModule(bytes: Uint8Array, licence: string): string {
  const base64 = Buffer.from(bytes).toString("base64");
  const lines: string[] = [];
  for (let i = 0; i < base64.length; i += LINE_CHARACTERS) {
    lines.push(base64.slice(i, i + LINE_CHARACTERS));
  }
  const notice = licence.trim().split("\n").map((line) => ` * ${line}`.trimEnd()).join("\n");
  return `/**
 * Do not edit: made by npm/make_embedded.ts.
 *
 * The bytes of stories260K (karpathy/tinyllamas, trained on TinyStories) as GGUF with Q8_0 weights.
 *
${notice}
 */

/** Length of the model in bytes. */
export const EMBEDDED_SIZE_BYTES = ${bytes.length};

/** The model in base64, with line ends, which \`atob\` skips. */
export const EMBEDDED_BASE64 = \`
${lines.join("\n")}
\`;
`;
}

function main(): void {
  const text = embeddedModule(readFileSync(MODEL), readFileSync(LICENCE, "utf8"));
  if (!process.argv.includes("--check")) {
    writeFileSync(TARGET, text);
    return;
  }
  if (readFileSync(TARGET, "utf8") !== text) {
    console.error("src/model/embedded_bytes.ts is stale: run `deno run -A npm/make_embedded.ts`");
    process.exitCode = 1;
  }
}

if (import.meta.main) main();
