// Goal: docs/API.md says what the code does. Method: its tables are compared with those of the code.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import {
  apiConfig,
  chatFields,
  completionFields,
  embeddingFields,
} from "../../../src/services/api/mod.ts";
import type { Fields } from "../../../src/services/api/mod.ts";
import { inferenceConfig } from "../../../src/services/inference/mod.ts";

const path = fileURLToPath(new URL("../../../docs/API.md", import.meta.url));
const text = readFileSync(path, "utf8");

/** Rows of the table under a heading, cells trimmed. */
function rowsUnder(heading: string): string[][] {
  const start = text.indexOf(`\n${heading}\n`);
  assert.ok(start >= 0, heading);
  const section = text.slice(start + 1).split(/\n#+ /)[0] ?? "";
  return section.split("\n").filter((line) => line.startsWith("|")).slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

for (
  const [heading, fields] of [
    ["### Chat completions", chatFields],
    ["### Completions", completionFields],
    ["### Embeddings", embeddingFields],
  ] as const
) {
  test(`docs/API.md, "${heading}" lists the fields of the code, with their use and values`, () => {
    const expected = Object.entries(fields as Fields).map(([name, field]) => {
      const use = field.use === "nothing-asked" ? "nothing asked" : field.use;
      return [`\`${name}\``, field.required === true ? `${use}, required` : use, field.note];
    });
    assert.deepEqual(rowsUnder(heading), expected);
  });
}

test("docs/API.md states the defaults of the configuration", () => {
  const defaults: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
    api: v.parse(apiConfig, {}),
    inference: v.parse(inferenceConfig, {}),
  };
  const rows = rowsUnder("## Limits");
  assert.ok(rows.length > 5);
  for (const [key = "", value] of rows) {
    const [section = "", name = ""] = key.replaceAll("`", "").split(".");
    assert.equal(value, String(defaults[section]?.[name]), key);
  }
});
