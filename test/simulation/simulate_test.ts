import assert from "node:assert/strict";
import { test } from "node:test";
import { parseScript, simulate } from "../../src/simulation/mod.ts";

const script = `
  5s crash 2
  15s restart 2
  20s cut 3
  30s restart 3
  40s partition 1,2 | 3-5
  50s heal
  60s stop 4
  65s check
  90s end`;

test("every node sees exactly those that are there, through crashes, cuts, a partition and a leave", async () => {
  const report = await simulate({ nodes: 5, seed: 1, actions: parseScript(script, 5) });
  assert.equal(report.failure, undefined);
  assert.equal(report.ok, true);
  assert.equal(report.liveNodes, 4);
  assert.deepEqual(
    report.actions,
    { crash: 1, restart: 2, cut: 1, partition: 1, heal: 1, stop: 1, check: 1, end: 1 },
  );
  assert.equal(report.gone.count, 4 + 4 + 4, "of each that went, by each other one");
  assert.equal(report.parted.count, 2 * 2 * 3);
  assert.ok(report.gone.maxMs <= 5_000, `${report.gone.maxMs} ms`);
  assert.ok(report.parted.maxMs <= 5_000, `${report.parted.maxMs} ms`);
  assert.ok(report.there.maxMs <= 60_000, `${report.there.maxMs} ms`);
  assert.ok(report.virtualMs >= 90_000);
});

test("a part whose links led to few of the others comes to know that all of them are gone", async () => {
  // Above 32 nodes not all are linked, and the last ones to come have the fewest links.
  const script = "2s partition 1-33 | 34-35\n9s heal\n10s end";
  const report = await simulate({ nodes: 35, seed: 1, actions: parseScript(script, 35) });
  assert.equal(report.failure, undefined);
  assert.equal(report.parted.count, 2 * 2 * 33);
  assert.ok(report.parted.maxMs <= 5_000, `${report.parted.maxMs} ms`);
  // The two may lose sight of each other too, until one of them dials the other.
  assert.equal(report.there.count, 2 * 2 * 33 + report.relapses);
});

test("a seed repeats a run event for event, and another seed is another run", async () => {
  const actions = parseScript("2s churn every 5s down 6s until 40s\n50s end", 4);
  const lines: string[][] = [[], [], []];
  const runs = [];
  for (const [i, seed] of [7, 7, 8].entries()) {
    runs.push(await simulate({ nodes: 4, seed, actions, onLine: (line) => lines[i]?.push(line) }));
  }
  const [first, second, other] = runs;
  assert.equal(first?.failure ?? other?.failure, undefined);
  assert.deepEqual(lines[0], lines[1]);
  assert.equal(first?.digest, second?.digest);
  assert.equal(first?.events, lines[0]?.length);
  assert.ok((first?.actions["churn"] ?? 0) >= 4);
  assert.notEqual(first?.digest, other?.digest);
});

test("a view that does not follow in time ends the run, and says whose and when", async () => {
  const actions = parseScript("5s cut 3\n30s end", 3);
  const report = await simulate({ nodes: 3, seed: 1, actions, goneMsMax: 100 });
  assert.equal(report.ok, false);
  assert.match(
    report.failure ?? "",
    /^At \d+\.\d+ s node [12] still sees node 3, \d+ ms after it went$/,
  );
  assert.ok(report.lastLines.some((line) => line.endsWith(" 3 cut")), report.lastLines.join("\n"));
});

test("options out of their ranges are refused, and a signal ends a simulation", async () => {
  await assert.rejects(simulate({ nodes: 0, seed: 1 }), /'nodes' must be .* from 1 to 512/);
  await assert.rejects(simulate({ nodes: 513, seed: 1 }), RangeError);
  await assert.rejects(simulate({ nodes: 2, seed: 2 ** 32 }), /'seed'/);
  await assert.rejects(
    simulate({ nodes: 2, seed: 1, signal: AbortSignal.abort(new TypeError("enough")) }),
    /enough/,
  );
});
