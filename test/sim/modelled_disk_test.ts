/** The modelled disk: the disk contract, then that crashes lose what they may and nothing else. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskError, readWholeFile } from "../../src/ports/mod.ts";
import type { Disk } from "../../src/ports/mod.ts";
import { ModelledDisk, SeededRandom } from "../../src/sim/mod.ts";
import { diskContract } from "../ports/_disk_contract.ts";

diskContract("ModelledDisk", async () => {
  const disk = new ModelledDisk();
  await disk.makeDirectory("/root");
  return { disk, root: "/root", teardown: () => Promise.resolve() };
});

const CRASHES = 300;

test("what is created belongs to ownerId of that moment, also after a crash", async () => {
  const disk = new ModelledDisk();
  await disk.makeDirectory("/a");
  disk.ownerId = 7;
  await write(disk, "/a/b", "x");
  await disk.syncDirectory("/");
  await disk.syncDirectory("/a");
  for (const now of [disk, disk.crash(new SeededRandom(1)), disk.kill()]) {
    assert.equal((await now.stat("/a"))?.ownerId, 1000);
    assert.equal((await now.stat("/a/b"))?.ownerId, 7);
    assert.equal(now.ownerId, 7);
  }
});

async function text(disk: Disk, path: string): Promise<string | undefined> {
  if (await disk.stat(path) === undefined) return undefined;
  return new TextDecoder().decode(await readWholeFile(disk, { path, bytesMax: 1 << 20 }));
}

async function write(disk: Disk, path: string, body: string): Promise<void> {
  const file = await disk.open(path, "truncate");
  await file.write(new TextEncoder().encode(body));
  await file.sync();
  await file.close();
}

/** Every outcome of many crashes of the disk that `prepare` leaves. */
async function outcomes(
  prepare: (disk: ModelledDisk) => Promise<void>,
  see: (disk: ModelledDisk) => Promise<string>,
): Promise<Set<string>> {
  const disk = new ModelledDisk({ pageBytes: 4 });
  await prepare(disk);
  const seen = new Set<string>();
  for (let seed = 0; seed < CRASHES; seed++) {
    seen.add(await see(disk.crash(new SeededRandom(seed))));
  }
  return seen;
}

test("ModelledDisk: synced data under a synced name always survives", async () => {
  const seen = await outcomes(async (disk) => {
    await write(disk, "/a", "safe and sound");
    await disk.syncDirectory("/");
  }, async (disk) => String(await text(disk, "/a")));
  assert.deepEqual([...seen], ["safe and sound"]);
});

test("ModelledDisk: a name that was not synced may be lost, its synced data is never torn", async () => {
  const seen = await outcomes(
    (disk) => write(disk, "/a", "whole"),
    async (disk) => String(await text(disk, "/a")),
  );
  assert.deepEqual([...seen].sort(), ["undefined", "whole"]);
});

test("ModelledDisk: unsynced pages survive in any subset, torn, or not at all", async () => {
  const seen = await outcomes(async (disk) => {
    await write(disk, "/a", "aaaabbbb");
    await disk.syncDirectory("/");
    const file = await disk.open("/a", "append");
    await file.write(new TextEncoder().encode("ccccdddd"));
  }, async (disk) => String(await text(disk, "/a")));
  for (const body of seen) assert.ok(body.startsWith("aaaabbbb"), JSON.stringify(body));
  const rests = new Set([...seen].map((body) => body.slice(8)));
  for (const rest of ["", "ccccdddd", "cccc\0\0\0\0", "\0\0\0\0dddd", "\0\0\0\0\0\0\0\0"]) {
    assert.ok(rests.has(rest), `never saw ${JSON.stringify(rest)}`);
  }
  assert.ok([...rests].some((rest) => /c\0/.test(rest.slice(0, 4))), "no page was torn");
});

test("ModelledDisk: an overwritten page is old, new or torn", async () => {
  const seen = await outcomes(async (disk) => {
    await write(disk, "/a", "old!");
    await disk.syncDirectory("/");
    const file = await disk.open("/a", "update");
    await file.write(new TextEncoder().encode("NEW?"), 0);
  }, async (disk) => String(await text(disk, "/a")));
  assert.ok(seen.has("old!") && seen.has("NEW?") && seen.size > 2, [...seen].join());
});

test("ModelledDisk: a rename leaves old or new content, at one name, both or neither", async () => {
  const seen = await outcomes(async (disk) => {
    await write(disk, "/target", "old");
    await write(disk, "/source", "new");
    await disk.syncDirectory("/");
    await disk.rename("/source", "/target");
  }, async (disk) => `${await text(disk, "/source")},${await text(disk, "/target")}`);
  assert.deepEqual([...seen].sort(), ["new,new", "new,old", "undefined,new", "undefined,old"]);
});

test("ModelledDisk: a removal that was not synced may come back", async () => {
  const seen = await outcomes(async (disk) => {
    await write(disk, "/a", "x");
    await disk.syncDirectory("/");
    await disk.remove("/a");
  }, async (disk) => String(await text(disk, "/a")));
  assert.deepEqual([...seen].sort(), ["undefined", "x"]);
});

test("ModelledDisk: syncing a directory does not keep its own name", async () => {
  const seen = await outcomes(async (disk) => {
    await disk.makeDirectory("/d");
    await write(disk, "/d/a", "x");
    await disk.syncDirectory("/d");
  }, async (disk) => String(await text(disk, "/d/a")));
  assert.deepEqual([...seen].sort(), ["undefined", "x"]);
});

test("ModelledDisk: data of a failed sync is not made safe by the next one", async () => {
  const seen = await outcomes(async (disk) => {
    const file = await disk.open("/a", "create");
    await disk.syncDirectory("/");
    await file.write(new TextEncoder().encode("lost"));
    disk.faults = [{ operation: disk.operations.length, code: "io", moment: "before" }];
    await assert.rejects(() => file.sync(), DiskError);
    await file.sync();
    assert.equal(await text(disk, "/a"), "lost");
  }, async (disk) => String(await text(disk, "/a")));
  assert.ok(!seen.has("lost"), [...seen].join());
});

test("ModelledDisk: kill() keeps everything that was written", async () => {
  const disk = new ModelledDisk();
  const file = await disk.open("/a", "create");
  await file.write(new TextEncoder().encode("cached"));
  assert.equal(await text(disk.kill(), "/a"), "cached");
});

test("ModelledDisk: faults take effect before, partly or after", async () => {
  for (const [moment, left] of [["before", ""], ["partly", "ab"], ["after", "abcd"]] as const) {
    const disk = new ModelledDisk();
    const file = await disk.open("/a", "create");
    disk.faults = [{ operation: 1, code: "full", moment }];
    await assert.rejects(
      () => file.write(new TextEncoder().encode("abcd")),
      (thrown: unknown) => thrown instanceof DiskError && thrown.code === "full",
    );
    assert.equal(await text(disk, "/a"), left);
  }
});

test("ModelledDisk: a power cut stops everything from its operation on", async () => {
  const disk = new ModelledDisk();
  disk.powerCut = { operation: 1, moment: "after" };
  const file = await disk.open("/a", "create");
  await assert.rejects(() => file.write(new TextEncoder().encode("abcd")), DiskError);
  await assert.rejects(() => disk.stat("/a"), DiskError);
  assert.equal(disk.powered, false);
  assert.equal(await text(disk.kill(), "/a"), "abcd");
});

test("ModelledDisk: capacity stops a write part way, removing makes room", async () => {
  const disk = new ModelledDisk();
  disk.capacityBytes = 6;
  const file = await disk.open("/a", "create");
  await file.write(new TextEncoder().encode("abcd"));
  await assert.rejects(
    () => file.write(new TextEncoder().encode("efgh")),
    (thrown: unknown) => thrown instanceof DiskError && thrown.code === "full",
  );
  assert.equal(await text(disk, "/a"), "abcdef");
  await disk.remove("/a");
  await write(disk, "/b", "ghijkl");
});

test("ModelledDisk: a read-only disk can be read and not changed", async () => {
  const disk = new ModelledDisk();
  await write(disk, "/a", "x");
  disk.readOnly = true;
  assert.equal(await text(disk, "/a"), "x");
  await assert.rejects(
    () => disk.open("/b", "create"),
    (thrown: unknown) => thrown instanceof DiskError && thrown.code === "read-only",
  );
});
