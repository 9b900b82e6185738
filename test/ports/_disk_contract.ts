/** What every `Disk` promises; run over the real disk and the modelled one. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { DiskError } from "../../src/ports/mod.ts";
import type { Disk, DiskErrorCode } from "../../src/ports/mod.ts";

/** A fresh disk and an empty directory on it. */
export interface DiskUnderTest {
  disk: Disk;
  /** Absolute, existing, empty. */
  root: string;
  teardown(): Promise<void>;
}

const text = new TextEncoder();

async function content(disk: Disk, path: string): Promise<string> {
  const file = await disk.open(path, "read");
  const bytes = new Uint8Array(await file.sizeBytes());
  const count = await file.read(bytes, 0);
  await file.close();
  assert.equal(count, bytes.length);
  return new TextDecoder().decode(bytes);
}

async function put(disk: Disk, path: string, body: string): Promise<void> {
  const file = await disk.open(path, "truncate");
  await file.write(text.encode(body));
  await file.close();
}

function failsWith(run: () => Promise<unknown>, code: DiskErrorCode): Promise<void> {
  return assert.rejects(run, (thrown: unknown) => {
    assert.ok(thrown instanceof DiskError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    assert.match(thrown.message, /^Cannot [^]+ "[^"]+" as /);
    return true;
  });
}

const cases: Record<string, (under: DiskUnderTest) => Promise<void>> = {
  async "writes in sequence without a position and anywhere with one"(
    { disk, root },
  ): Promise<void> {
    const file = await disk.open(`${root}/a`, "create");
    await file.write(text.encode("one"));
    await file.write(text.encode("X"), 10);
    await file.write(text.encode("two"));
    assert.equal(await file.sizeBytes(), 11);
    await file.sync();
    await file.close();
    assert.equal(await content(disk, `${root}/a`), "onetwo\0\0\0\0X");
  },
  async "appends to the end of an existing file and creates a missing one"(
    { disk, root },
  ): Promise<void> {
    for (const part of ["one", "two"]) {
      const file = await disk.open(`${root}/log`, "append");
      await file.write(text.encode(part));
      await file.close();
    }
    assert.equal(await content(disk, `${root}/log`), "onetwo");
  },
  async "truncate mode empties, update mode keeps and edits in place"(
    { disk, root },
  ): Promise<void> {
    await put(disk, `${root}/a`, "longer");
    await put(disk, `${root}/a`, "short");
    const file = await disk.open(`${root}/a`, "update");
    await file.write(text.encode("S"), 0);
    const seen = new Uint8Array(3);
    assert.equal(await file.read(seen, 0), 3);
    assert.equal(new TextDecoder().decode(seen), "Sho");
    await file.close();
    assert.equal(await content(disk, `${root}/a`), "Short");
  },
  async "reads up to the end and then 0 bytes"({ disk, root }): Promise<void> {
    await put(disk, `${root}/a`, "abc");
    const file = await disk.open(`${root}/a`, "read");
    const into = new Uint8Array(8);
    assert.equal(await file.read(into, 1), 2);
    assert.equal(await file.read(into, 3), 0);
    assert.equal(await file.read(new Uint8Array(0), 0), 0);
    await file.close();
  },
  async "a file's truncate cuts, and extends with zeros"({ disk, root }): Promise<void> {
    await put(disk, `${root}/a`, "abcdef");
    const file = await disk.open(`${root}/a`, "update");
    await file.truncate(2);
    await file.truncate(4);
    await file.close();
    assert.equal(await content(disk, `${root}/a`), "ab\0\0");
  },
  async "every method of a closed file fails with io"({ disk, root }): Promise<void> {
    const file = await disk.open(`${root}/a`, "create");
    await file.close();
    await failsWith(() => file.write(text.encode("x")), "io");
    await failsWith(() => file.read(new Uint8Array(1), 0), "io");
    await failsWith(() => file.sync(), "io");
    await failsWith(() => file.truncate(0), "io");
    await failsWith(() => file.sizeBytes(), "io");
    await failsWith(() => file.close(), "io");
  },
  async "permissions are exact, for files and directories"({ disk, root }): Promise<void> {
    for (const mode of [0o600, 0o644, 0o666]) {
      await (await disk.open(`${root}/f${mode}`, "append", mode)).close();
      assert.equal((await disk.stat(`${root}/f${mode}`))?.mode, mode);
    }
    await (await disk.open(`${root}/plain`, "truncate")).close();
    assert.equal((await disk.stat(`${root}/plain`))?.mode, 0o600);
    await disk.makeDirectory(`${root}/d/e`, 0o777);
    assert.equal((await disk.stat(`${root}/d`))?.mode, 0o777);
    assert.equal((await disk.stat(`${root}/d/e`))?.mode, 0o777);
    await disk.makeDirectory(`${root}/private`);
    assert.equal((await disk.stat(`${root}/private`))?.mode, 0o700);
  },
  async "whatever this process creates has one owner"({ disk, root }): Promise<void> {
    await put(disk, `${root}/a`, "abc");
    await disk.makeDirectory(`${root}/d`);
    const owner = (await disk.stat(`${root}/a`))?.ownerId;
    assert(Number.isSafeInteger(owner));
    assert.equal((await disk.stat(`${root}/d`))?.ownerId, owner);
  },
  async "opening an existing file leaves its permissions alone"({ disk, root }): Promise<void> {
    await (await disk.open(`${root}/a`, "create", 0o640)).close();
    await (await disk.open(`${root}/a`, "append", 0o600)).close();
    assert.equal((await disk.stat(`${root}/a`))?.mode, 0o640);
  },
  async "stat tells kind and size, and undefined for nothing"({ disk, root }): Promise<void> {
    await put(disk, `${root}/a`, "abc");
    const info = await disk.stat(`${root}/a`);
    assert.equal(info?.kind, "file");
    assert.equal(info?.sizeBytes, 3);
    assert.ok(Number.isInteger(info?.modifiedMs));
    assert.equal((await disk.stat(root))?.kind, "directory");
    assert.equal(await disk.stat(`${root}/none`), undefined);
    assert.equal(await disk.stat(`${root}/a/below-a-file`), undefined);
  },
  async "list is sorted"({ disk, root }): Promise<void> {
    for (const name of ["b", "a", "C"]) await put(disk, `${root}/${name}`, "");
    assert.deepEqual(await disk.list(root), ["C", "a", "b"]);
  },
  async "makeDirectory makes parents and accepts an existing directory"(
    { disk, root },
  ): Promise<void> {
    await disk.makeDirectory(`${root}/x/y/z`);
    await disk.makeDirectory(`${root}/x/y/z`);
    assert.equal((await disk.stat(`${root}/x/y/z`))?.kind, "directory");
    await disk.syncDirectory(`${root}/x/y`);
  },
  async "rename replaces a file, and an open handle follows"({ disk, root }): Promise<void> {
    await put(disk, `${root}/old`, "old");
    const file = await disk.open(`${root}/new`, "create");
    await file.write(text.encode("n"));
    await disk.rename(`${root}/new`, `${root}/old`);
    await file.write(text.encode("ew"));
    await file.close();
    assert.equal(await content(disk, `${root}/old`), "new");
    assert.equal(await disk.stat(`${root}/new`), undefined);
  },
  async "removes files and empty directories"({ disk, root }): Promise<void> {
    await put(disk, `${root}/a`, "a");
    await disk.makeDirectory(`${root}/d`);
    await disk.remove(`${root}/a`);
    await disk.removeDirectory(`${root}/d`);
    assert.deepEqual(await disk.list(root), []);
  },
  async "tells why an operation failed"({ disk, root }): Promise<void> {
    await put(disk, `${root}/file`, "");
    await disk.makeDirectory(`${root}/full/inner`);
    await failsWith(() => disk.open(`${root}/none`, "read"), "not-found");
    await failsWith(() => disk.open(`${root}/none`, "update"), "not-found");
    await failsWith(() => disk.open(`${root}/none/below`, "create"), "not-found");
    await failsWith(() => disk.open(`${root}/file`, "create"), "exists");
    await failsWith(() => disk.open(`${root}/full`, "read"), "is-a-directory");
    await failsWith(() => disk.open(`${root}/full`, "append"), "is-a-directory");
    await failsWith(() => disk.open(`${root}/file/below`, "create"), "not-a-directory");
    await failsWith(() => disk.list(`${root}/none`), "not-found");
    await failsWith(() => disk.list(`${root}/file`), "not-a-directory");
    await failsWith(() => disk.makeDirectory(`${root}/file`), "exists");
    await failsWith(() => disk.makeDirectory(`${root}/file/below`), "not-a-directory");
    await failsWith(() => disk.rename(`${root}/none`, `${root}/x`), "not-found");
    await failsWith(() => disk.rename(`${root}/file`, `${root}/full`), "is-a-directory");
    await failsWith(() => disk.remove(`${root}/none`), "not-found");
    await failsWith(() => disk.remove(`${root}/full`), "is-a-directory");
    await failsWith(() => disk.remove(`${root}/full/inner`), "is-a-directory");
    await failsWith(() => disk.removeDirectory(`${root}/full`), "not-empty");
    await failsWith(() => disk.removeDirectory(`${root}/file`), "not-a-directory");
    await failsWith(() => disk.syncDirectory(`${root}/none`), "not-found");
    await failsWith(() => disk.syncDirectory(`${root}/file`), "not-a-directory");
  },
  async "refuses a relative path and one with NUL as the caller's mistake"(
    { disk },
  ): Promise<void> {
    await assert.rejects(() => disk.stat("relative"), TypeError);
    await assert.rejects(() => disk.open("/a\0b", "create"), TypeError);
  },
};

/** Registers the suite; `setup` makes what one test uses. */
export function diskContract(name: string, setup: () => Promise<DiskUnderTest>): void {
  for (const [sentence, run] of Object.entries(cases)) {
    test(`${name}: ${sentence}`, async () => {
      const under = await setup();
      try {
        await run(under);
      } finally {
        await under.teardown();
      }
    });
  }
}
