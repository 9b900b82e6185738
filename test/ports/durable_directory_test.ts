import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskError, makeDirectoryDurably } from "../../src/ports/mod.ts";
import { ModelledDisk } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";

test("makeDirectoryDurably() survives a power cut from the moment that it returned", async () => {
  await crashEverywhere({
    notes: () => ({ made: "" }),
    async work(disk, notes): Promise<void> {
      await makeDirectoryDurably(disk, { path: "/a/b/c" });
      notes.made = "/a/b/c";
      await makeDirectoryDurably(disk, { path: "/a/b/c/d/", permissions: 0o755 });
      notes.made = "/a/b/c/d";
    },
    async check(disk, { notes, where }): Promise<void> {
      if (notes.made === "") return;
      const info = await disk.stat(notes.made);
      assert.equal(info?.kind, "directory", where);
      assert.equal(info.mode, notes.made === "/a/b/c" ? 0o700 : 0o755, where);
    },
  });
});

test("makeDirectoryDurably() makes a leftover that was never synced durable", async () => {
  await crashEverywhere({
    prepare: (disk) => disk.makeDirectory("/left"),
    notes: () => ({ done: false }),
    async work(disk, notes): Promise<void> {
      await makeDirectoryDurably(disk, { path: "/left" });
      notes.done = true;
      await disk.list("/left");
    },
    async check(disk, { notes, where }): Promise<void> {
      if (notes.done) assert.equal((await disk.stat("/left"))?.kind, "directory", where);
    },
  });
});

test("makeDirectoryDurably() passes over a parent that may not be read, and no other failure", async () => {
  for (const operation of [0, 2] as const) {
    const disk = new ModelledDisk();
    disk.faults = [{ operation, code: "denied", moment: "before" }];
    await makeDirectoryDurably(disk, { path: "/sandbox/inner" });
    assert.equal((await disk.stat("/sandbox/inner"))?.kind, "directory");
    const failing = new ModelledDisk();
    failing.faults = [{ operation, code: "io", moment: "before" }];
    await assert.rejects(
      () => makeDirectoryDurably(failing, { path: "/sandbox/inner" }),
      DiskError,
    );
  }
});
