/**
 * Every row of the comparison with peers runs over small inputs, with the peers that are at hand, so
 * that none can rot. Nothing is timed here.
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { machineLine, runRow, RUNTIME } from "../../bench/harness.ts";
import type { RowResult } from "../../bench/harness.ts";
import { tableOf } from "../../bench/report.ts";
import { ROW_GROUPS } from "../../bench/rows.ts";

const all: RowResult[] = [];

for (const row of ROW_GROUPS.flatMap(({ rows }) => rows)) {
  if (row.only !== undefined && row.only !== RUNTIME) continue;
  test(`the row ${row.name} compares equal work with its peers`, async () => {
    const results = await runRow(row, true);
    assert.ok(results.length > 0, "no peer is there without installing");
    for (const result of results) {
      assert.ok(result.ourNs > 0 && result.peerNs > 0, result.peer);
      assert.ok(Number.isFinite(result.ratio) && Number.isFinite(result.checksum));
    }
    all.push(...results);
  });
}

test("the table has a line for each peer of each row, under a line about the machine", () => {
  assert.equal(tableOf(all).split("\n").length, all.length + 1);
  // Deno hides the processor's features from a process that may not do everything; Node never does.
  const hidden = process.versions["deno"] !== undefined;
  const shown = hidden ? /(SHA-NI (yes|no)|features unread).*V8/ : /SHA-NI (yes|no).*V8/;
  assert.match(machineLine(), shown);
});
