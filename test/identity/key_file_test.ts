/** The key file: refused rather than replaced, and whole or absent after every crash. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { IdentityError, openIdentity, readIdentity } from "../../src/identity/mod.ts";
import type { IdentityErrorCode } from "../../src/identity/mod.ts";
import { writeFileDurably } from "../../src/ports/mod.ts";
import { ModelledDisk, SeededRandom } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";

const path = "/state/skep/node.key";

function failsWith(run: () => Promise<unknown>, code: IdentityErrorCode): Promise<void> {
  return assert.rejects(run, (thrown: unknown) => {
    assert.ok(thrown instanceof IdentityError, String(thrown));
    assert.equal(thrown.code, code);
    assert.ok(thrown.message.includes(path), thrown.message);
    return true;
  });
}

async function diskWith(bytes: Uint8Array, permissions: number): Promise<ModelledDisk> {
  const disk = new ModelledDisk();
  await disk.makeDirectory("/state/skep");
  await writeFileDurably(disk, { path, bytes, permissions });
  return disk;
}

test("openIdentity() mints once, 32 bytes and 0600, and then reads the same", async () => {
  const disk = new ModelledDisk();
  const minted = await openIdentity({ disk, path, random: new SeededRandom(1) });
  const info = await disk.stat(path);
  assert.equal(info?.sizeBytes, 32);
  assert.equal(info.mode, 0o600);
  assert.equal((await disk.stat("/state/skep"))?.mode, 0o700);
  assert.equal((await openIdentity({ disk, path, random: new SeededRandom(2) })).hid, minted.hid);
  assert.equal((await readIdentity({ disk, path }))?.hid, minted.hid);
});

test("readIdentity() finds nothing where nothing is, and creates nothing", async () => {
  const disk = new ModelledDisk();
  assert.equal(await readIdentity({ disk, path }), undefined);
  assert.deepEqual(await disk.list("/"), []);
});

test("a key of another length is refused and left alone", async () => {
  for (const length of [0, 31, 33, 64]) {
    const disk = await diskWith(new Uint8Array(length).fill(7), 0o600);
    const random = new SeededRandom(1);
    await failsWith(() => openIdentity({ disk, path, random }), "wrong-length");
    await failsWith(() => readIdentity({ disk, path }), "wrong-length");
    assert.equal((await disk.stat(path))?.sizeBytes, length);
  }
});

test("a key that others may read or write is refused, a narrower one is not", async () => {
  for (const mode of [0o640, 0o604, 0o660, 0o644, 0o700, 0o601]) {
    const disk = await diskWith(new Uint8Array(32).fill(7), mode);
    await failsWith(() => readIdentity({ disk, path }), "too-open");
  }
  const disk = await diskWith(new Uint8Array(32).fill(7), 0o400);
  assert.ok(await readIdentity({ disk, path }));
});

test("a directory or an unreadable disk says so", async () => {
  const disk = new ModelledDisk();
  await disk.makeDirectory(path);
  await failsWith(() => readIdentity({ disk, path }), "not-a-file");
  const broken = await diskWith(new Uint8Array(32), 0o600);
  broken.faults = [{ operation: broken.operations.length + 1, code: "denied", moment: "before" }];
  await failsWith(() => readIdentity({ disk: broken, path }), "unreadable");
});

test("a disk that cannot take a new key says so and keeps no half of it", async () => {
  for (const code of ["full", "read-only"] as const) {
    const disk = new ModelledDisk();
    await disk.makeDirectory("/state/skep");
    if (code === "full") disk.capacityBytes = 10;
    else disk.readOnly = true;
    const random = new SeededRandom(1);
    await failsWith(() => openIdentity({ disk, path, random }), "unwritable");
    assert.deepEqual(await disk.list("/state/skep"), []);
  }
});

test("a crash at every step of minting leaves the key whole or absent", async () => {
  const judged = await crashEverywhere({
    notes: () => ({ hid: "" }),
    async work(disk, notes): Promise<void> {
      notes.hid = (await openIdentity({ disk, path, random: new SeededRandom(5) })).hid;
    },
    async check(disk, { notes, where }): Promise<void> {
      const found = await readIdentity({ disk, path });
      if (notes.hid !== "") assert.equal(found?.hid, notes.hid, where);
      const again = await openIdentity({ disk, path, random: new SeededRandom(6) });
      if (found !== undefined) assert.equal(again.hid, found.hid, where);
    },
    survivors: 25,
    pageBytes: 8,
  });
  assert.ok(judged > 100, `${judged} survivors`);
});
