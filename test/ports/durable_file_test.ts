/** writeFileDurably(): the old file or the new one, whole, after a crash at every step. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskError, readWholeFile, writeFileDurably } from "../../src/ports/mod.ts";
import type { Disk } from "../../src/ports/mod.ts";
import { ModelledDisk } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";

const path = "/state/runtime.json";
const oldBytes = new TextEncoder().encode(`{"old":"${"o".repeat(150)}"}`);
const newBytes = new TextEncoder().encode(`{"new":"${"n".repeat(200)}"}`);

function read(disk: Disk): Promise<Uint8Array> {
  return readWholeFile(disk, { path, bytesMax: 1000 });
}

async function prepare(disk: ModelledDisk): Promise<void> {
  await disk.makeDirectory("/state");
  await disk.syncDirectory("/");
}

test("writeFileDurably() leaves the old file or the new one, whole, at every crash", async () => {
  const judged = await crashEverywhere({
    async prepare(disk): Promise<void> {
      await prepare(disk);
      await writeFileDurably(disk, { path, bytes: oldBytes });
    },
    notes: () => ({ done: false }),
    async work(disk, notes): Promise<void> {
      await writeFileDurably(disk, { path, bytes: newBytes });
      notes.done = true;
    },
    async check(disk, { notes, where }): Promise<void> {
      const found = new TextDecoder().decode(await read(disk));
      const allowed = notes.done ? [newBytes] : [oldBytes, newBytes];
      assert.ok(allowed.map((bytes) => new TextDecoder().decode(bytes)).includes(found), where);
      await writeFileDurably(disk, { path, bytes: oldBytes });
      assert.deepEqual(await read(disk), oldBytes, where);
    },
    survivors: 25,
  });
  assert.ok(judged > 100, `${judged} survivors`);
});

test("writeFileDurably() leaves nothing or the whole file where there was none", async () => {
  await crashEverywhere({
    prepare,
    notes: () => ({ done: false }),
    async work(disk, notes): Promise<void> {
      await writeFileDurably(disk, { path, bytes: newBytes });
      notes.done = true;
    },
    async check(disk, { notes, where }): Promise<void> {
      const there = await disk.stat(path) !== undefined;
      assert.ok(there || !notes.done, where);
      if (there) assert.deepEqual(await read(disk), newBytes, where);
    },
    survivors: 25,
  });
});

test("writeFileDurably() keeps the old file and removes its own when any step fails", async () => {
  const count = await stepsOfOneWrite();
  for (let step = 0; step < count; step++) {
    for (const moment of ["before", "partly"] as const) {
      const disk = new ModelledDisk();
      await prepare(disk);
      await writeFileDurably(disk, { path, bytes: oldBytes });
      const operation = disk.operations.length + step;
      disk.faults = [{ operation, code: "full", moment }];
      await assert.rejects(() => writeFileDurably(disk, { path, bytes: newBytes }), DiskError);
      const renamed = disk.operations[operation]?.kind === "syncDirectory";
      assert.deepEqual(await read(disk), renamed ? newBytes : oldBytes);
      assert.deepEqual(await disk.list("/state"), ["runtime.json"]);
    }
  }
});

async function stepsOfOneWrite(): Promise<number> {
  const disk = new ModelledDisk();
  await prepare(disk);
  await writeFileDurably(disk, { path, bytes: oldBytes });
  const before = disk.operations.length;
  await writeFileDurably(disk, { path, bytes: newBytes });
  return disk.operations.length - before;
}

test("writeFileDurably() gives the permissions asked for, whatever a leftover had", async () => {
  const disk = new ModelledDisk();
  await prepare(disk);
  await (await disk.open(`${path}.tmp`, "create", 0o666)).close();
  await writeFileDurably(disk, { path, bytes: newBytes });
  assert.equal((await disk.stat(path))?.mode, 0o600);
  await writeFileDurably(disk, { path, bytes: newBytes, permissions: 0o644 });
  assert.equal((await disk.stat(path))?.mode, 0o644);
});

test("readWholeFile() refuses a longer file before it reads", async () => {
  const disk = new ModelledDisk();
  await prepare(disk);
  await writeFileDurably(disk, { path, bytes: newBytes });
  await assert.rejects(() => readWholeFile(disk, { path, bytesMax: 10 }), RangeError);
});
