/** The real disk: the contract, under a narrow umask, and what only a real system can refuse. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { DiskError, realDisk } from "../../src/ports/mod.ts";
import { diskContract } from "./_disk_contract.ts";
import type { DiskUnderTest } from "./_disk_contract.ts";

async function setup(): Promise<DiskUnderTest> {
  const before = process.umask(0o077);
  const root = await mkdtemp(join(tmpdir(), "skep-disk-"));
  return {
    disk: realDisk(),
    root,
    async teardown(): Promise<void> {
      process.umask(before);
      await rm(root, { recursive: true });
    },
  };
}

diskContract("realDisk", setup);

test("realDisk: a device without room is full", { skip: !existsSync("/dev/full") }, async () => {
  const file = await realDisk().open("/dev/full", "update");
  await assert.rejects(
    () => file.write(new Uint8Array(1)),
    (thrown: unknown) => thrown instanceof DiskError && thrown.code === "full",
  );
  await file.close();
});

test("realDisk: stat follows a symbolic link, remove removes the link", async () => {
  const { disk, root, teardown } = await setup();
  try {
    await disk.makeDirectory(`${root}/target`);
    await symlink(`${root}/target`, `${root}/link`);
    assert.equal((await disk.stat(`${root}/link`))?.kind, "directory");
    await disk.remove(`${root}/link`);
    assert.deepEqual(await disk.list(root), ["target"]);
  } finally {
    await teardown();
  }
});
