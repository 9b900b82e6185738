/** Sources over memory and over the disk port. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bytesSource, fileSource } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { isModelError } from "./_files.ts";

test("bytesSource() reads what there is, and nothing past the end", async () => {
  const source = bytesSource(Uint8Array.of(1, 2, 3), "memory");
  const into = new Uint8Array(2);
  assert.equal(await source.read(into, 0), 2);
  assert.equal(await source.read(into, 2), 1);
  assert.deepEqual(into, Uint8Array.of(3, 2));
  assert.equal(await source.read(into, 3), 0);
  assert.equal(await source.read(into, 99), 0);
  await source.close();
});

test("fileSource() reads a file, and refuses what is none by name", async () => {
  const folder = mkdtempSync(join(tmpdir(), "skep-source-"));
  try {
    const path = join(folder, "m.gguf");
    writeFileSync(path, Uint8Array.of(5, 6, 7));
    const source = await fileSource(realDisk(), path);
    assert.equal(source.sizeBytes, 3);
    assert.equal(source.name, path);
    const into = new Uint8Array(8);
    assert.equal(await source.read(into, 1), 2);
    assert.deepEqual(into.subarray(0, 2), Uint8Array.of(6, 7));
    await source.close();
    const absent = fileSource(realDisk(), join(folder, "absent.gguf"));
    await assert.rejects(absent, isModelError("not-found", /absent.gguf/));
    mkdirSync(join(folder, "d"));
    const directory = fileSource(realDisk(), join(folder, "d"));
    await assert.rejects(directory, isModelError("not-a-file", /it is a directory/));
  } finally {
    rmSync(folder, { recursive: true });
  }
});
