/** Every benchmark runs once over small inputs, so that none of them rots. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { TOP } from "../../npm/tools.ts";

const FLAGS = process.versions["deno"] === undefined ? ["--no-warnings"] : [
  "run",
  "--no-prompt",
  "--no-check",
  "--allow-read",
  "--allow-write",
  "--allow-net",
  "--allow-env",
  "--allow-sys",
  "--allow-run",
  "--allow-ffi",
];

const names = readdirSync(join(TOP, "bench")).filter((name) => name.endsWith("_bench.ts"));

for (const name of names) {
  test(
    `bench/${name} runs over small inputs and prints what it measured`,
    { timeout: 60_000 },
    () => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...FLAGS, join(TOP, "bench", name), "--small"],
        { cwd: TOP, encoding: "utf8" },
      );
      assert.equal(status, 0, stderr);
      const lines = stdout.trim().split("\n").filter((line) => line.startsWith("{"));
      // Times of single events have no rate; the rest say how much they did of what.
      const rates = lines.filter((line) => "rate" in JSON.parse(line));
      assert.ok(rates.length > 0, "It printed no measurement");
      for (const line of rates) {
        const { rate, checksum, unit } = JSON.parse(line);
        assert.ok(rate > 0, line);
        assert.ok(Number.isInteger(checksum), line);
        assert.match(unit, /^[A-Za-z ]+\/s$/);
      }
    },
  );
}

test("there are benchmarks", () => {
  assert.ok(names.length >= 3);
});
