/**
 * Goal: docs/CONFIG.md lists every setting as the schema has it. With SKEP_TEST_WRITE_DOCS set, the
 * table is written instead of compared.
 */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { configSchema } from "../../src/node/config_schema.ts";
import { configJsonSchema, loadNodeConfiguration, resolvePaths } from "../../src/node/mod.ts";
import { nodeServices } from "../../src/node/node_services.ts";
import { ModelledDisk } from "../../src/sim/mod.ts";

const page = new URL("../../docs/CONFIG.md", import.meta.url);
const begin = "<!-- settings: generated from the schema, see test/node/config_schema_test.ts -->\n";
const end = "<!-- end of settings -->\n";

async function table(): Promise<string> {
  const paths = resolvePaths(() => undefined, { home: "/none" });
  const disk = new ModelledDisk();
  const environment = (): undefined => undefined;
  const { settings } = await loadNodeConfiguration({ paths, environment, disk });
  const schema = await configJsonSchema();
  const rows = settings.map(({ path, value, environmentName }) => {
    const shown = value === undefined ? "" : `\`${JSON.stringify(value)}\``;
    return `| \`${path}\` | ${shown} | \`${environmentName}\` | ${descriptionOf(schema, path)} |\n`;
  });
  return `\n| setting | default | environment | meaning |\n|---|---|---|---|\n${rows.join("")}\n`;
}

function descriptionOf(schema: unknown, path: string): string {
  let at: unknown = schema;
  for (const key of path.split(".")) at = Object(Object(at).properties)[key];
  return String(Object(at).description);
}

test("docs/CONFIG.md lists every setting with its default, its environment name and its meaning", async () => {
  const text = readFileSync(page, "utf8");
  const [before = "", rest = ""] = text.split(begin);
  const [found, after] = rest.split(end);
  assert.notEqual(after, undefined, "the page has both markers");
  const wanted = await table();
  if (process.env["SKEP_TEST_WRITE_DOCS"] !== undefined) {
    writeFileSync(page, before + begin + wanted + end + after);
  } else assert.deepEqual(cells(found ?? ""), cells(wanted));
});

/** Rows of cells: the formatter pads them. */
function cells(text: string): string[][] {
  const rows = text.split("\n").filter((line) => line.startsWith("|") && !/^[|\s-]+$/.test(line));
  return rows.map((row) => row.split("|").map((cell) => cell.trim()));
}

test("configSchema() refuses two services of one name, and a service called as a section", () => {
  const [first] = nodeServices();
  assert(first !== undefined);
  assert.throws(() => configSchema([first, first]), /two services with one name/);
  assert.throws(() => configSchema([{ ...first, name: "log" }]), /"log"/);
});
