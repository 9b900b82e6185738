/**
 * Goal: whatever step of a node's life a crash hits, the next boot works, with the same identity once
 * it was told, and the journal verifies. Method: the whole `run` on the modelled disk.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readJournal } from "../../src/journal/mod.ts";
import { run } from "../../src/node/mod.ts";
import type { RunningNode } from "../../src/node/mod.ts";
import { MemoryNetwork } from "../../src/sim/mod.ts";
import type { ModelledDisk } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";
import { environmentOf } from "./_support.ts";

const home = "/home/node";

/** Boots with nothing of this machine but its clock and its randomness. */
function bootOn(disk: ModelledDisk): Promise<RunningNode> {
  const environment = environmentOf();
  const network = new MemoryNetwork();
  return run({}, { home, configFile: false, environment, disk, network });
}

test("a crash at every step of boot and stop leaves a state from which the next boot works", async () => {
  const judged = await crashEverywhere({
    notes: () => ({ hid: "" }),
    async work(disk, notes): Promise<void> {
      const node = await bootOn(disk);
      notes.hid = node.hid;
      await node.stop();
    },
    async check(disk, { notes, where }): Promise<void> {
      const node = await bootOn(disk);
      if (notes.hid !== "") assert.equal(node.hid, notes.hid, where);
      await node.stop();
      const report = await readJournal({ disk, directory: `${home}/state/journal` }).verify();
      assert.deepEqual(report.problems, [], where);
      assert.equal(await disk.stat(`${home}/state/runtime.json`), undefined, where);
    },
    survivors: 1,
    every: 3,
  });
  assert.ok(judged > 12, `${judged} survivors`);
});
