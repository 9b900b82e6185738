/** Goal: a simulation follows from its seed alone, not from the runtime that it runs under. */
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { isLong } from "../_long.ts";
import { findNode } from "../../npm/tools.ts";

const program = fileURLToPath(new URL("_digest.ts", import.meta.url));
const node = process.versions["deno"] === undefined ? process.execPath : findNode(24);
const deno = process.versions["deno"] === undefined
  ? process.env["SKEP_DENO"] ?? "deno"
  : process.execPath;
const isHere = spawnSync(deno, ["--version"]).status === 0;

test("a seed gives the same events under Deno and Node", { skip: !isHere || !isLong }, async () => {
  const args = [program, "20", "7", "15"];
  const allowed = ["--allow-read", "--allow-env", "--allow-sys"];
  const runs = await Promise.all([
    promisify(execFile)(deno, ["run", "--quiet", "--no-prompt", "--no-check", ...allowed, ...args]),
    promisify(execFile)(node, ["--disable-warning=MODULE_TYPELESS_PACKAGE_JSON", ...args]),
  ]);
  const [one, other] = runs.map(({ stdout }) => JSON.parse(stdout));
  assert.equal(one.ok, true);
  assert.deepEqual(one, other);
});
