/** Goal: what is stored is what two other implementations say, and a failure leaves what was there. */
import assert from "node:assert/strict";
import { readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { blake3 } from "hash-wasm";
import { addModel, parseManifest, readManifest, verifyModel } from "../../src/model/mod.ts";
import type { ManifestPlace } from "../../src/model/mod.ts";
import { readWholeFile, writeFileDurably } from "../../src/ports/mod.ts";
import type { ModelledDisk } from "../../src/sim/mod.ts";
import { crashEverywhere } from "../sim/_crash_everywhere.ts";
import { isModelError } from "./_files.ts";
import { add, getFile, withModel } from "./_manifests.ts";
import { fixture } from "./_vectors.ts";

test("addModel() stores root, outboard and shards of a file that stays where it is", async () => {
  await withModel(async (place) => {
    const { bytes, directory, path } = place;
    const seen: number[] = [];
    const manifest = await add(place, { onProgress: (done) => void seen.push(done) });
    assert.deepEqual(seen, [bytes.length]);
    assert.equal(manifest.name, "stories");
    assert.equal(manifest.root, await blake3(bytes));
    const modifiedMs = Math.floor(statSync(path).mtimeMs);
    assert.deepEqual(manifest.file, { path, sizeBytes: bytes.length, modifiedMs });
    const outboard = getFile(place, manifest.outboard.path);
    assert.equal(outboard.length, 23 * 64);
    assert.equal(manifest.outboard.digest, await blake3(outboard));
    assert.deepEqual(manifest.numericClasses, ["demo/1"]);
    assert.deepEqual(await readManifest(place, "stories"), manifest);
    const stored = getFile(place, "stories.manifest.json");
    assert.deepEqual(parseManifest(stored, "stored"), manifest);
    assert.deepEqual(readdirSync(directory), [
      manifest.outboard.path,
      "stories.manifest.json",
    ]);
  });
});

test("addModel() copies a file while it hashes it, and finds its own files relative", async () => {
  await withModel(async (place) => {
    const manifest = await add(place, { copy: true, name: "mine" });
    assert.equal(manifest.file.path, "mine.gguf");
    assert.equal(await blake3(getFile(place, "mine.gguf")), manifest.root);
    assert.equal(manifest.root, await blake3(place.bytes));
    const again = await add(place, { path: join(place.directory, "mine.gguf"), copy: true });
    assert.deepEqual(again, manifest, "no copy of what is there already");
    const left = readdirSync(place.directory).filter((name) => /partial|tmp/.test(name));
    assert.deepEqual(left, []);
  });
});

test("addModel() replaces the manifest of a changed file, and removes the outboard before", async () => {
  await withModel(async (place) => {
    const before = await add(place);
    const changed = place.bytes.slice();
    changed[changed.length - 1] = 1 ^ (changed.at(-1) ?? 0);
    writeFileSync(place.path, changed);
    const after = await add(place);
    assert.notEqual(after.root, before.root);
    assert.deepEqual(readdirSync(place.directory), [
      after.outboard.path,
      "stories.manifest.json",
    ]);
  });
});

test("addModel() refuses a name that another file has, until that file is gone", async () => {
  await withModel(async (place) => {
    await add(place);
    const other = join(place.home, "other.gguf");
    writeFileSync(other, place.bytes);
    const taken = isModelError(
      "name-taken",
      /as 'stories' as that is the name of '.*stories\.gguf'/,
    );
    await assert.rejects(add(place, { path: other, name: "stories" }), taken);
    await add(place, { path: other, copy: true });
    await assert.rejects(
      add(place, { path: place.path, name: "other", copy: true }),
      isModelError("name-taken", /other\.gguf/),
    );
    renameSync(place.path, join(place.home, "moved.gguf"));
    const moved = await add(place, { path: join(place.home, "moved.gguf"), name: "stories" });
    assert.equal(moved.file.path, join(place.home, "moved.gguf"));
  });
});

test("addModel() refuses names that are none, and files that are no models", async () => {
  await withModel(async (place) => {
    for (const name of ["", "embedded", "../up", "a/b", ".x", "x".repeat(129), "a\nb"]) {
      await assert.rejects(add(place, { name }), isModelError("bad-name"), JSON.stringify(name));
    }
    writeFileSync(place.path, "GGUF?");
    await assert.rejects(add(place), isModelError("truncated"));
    rmSync(place.path);
    await assert.rejects(add(place), isModelError("not-found"));
    assert.throws(() => statSync(place.directory), /ENOENT/, "nothing was made");
  });
});

test("addModel() notices that the file is written to or cut meanwhile", async () => {
  await withModel(async (place) => {
    const touch = (): void => utimesSync(place.path, 1, 1);
    await assert.rejects(add(place, { onProgress: touch }), isModelError("changed"));
    const { disk } = place;
    const shrinking = {
      ...disk,
      open: async (...args: Parameters<typeof disk.open>): ReturnType<typeof disk.open> => {
        const file = await disk.open(...args);
        return Object.assign(Object.create(file), {
          sizeBytes: () => file.sizeBytes(),
          close: () => file.close(),
          read: (into: Uint8Array, at: number) =>
            into.length > 300_000 && at > 0 ? Promise.resolve(0) : file.read(into, at),
        });
      },
    };
    const big = new Uint8Array(1_500_000);
    big.set(place.bytes);
    writeFileSync(place.path, big);
    await assert.rejects(add({ ...place, disk: shrinking }), isModelError("truncated", /shorter/));
    assert.deepEqual(readdirSync(place.directory), []);
  });
});

test("addModel() stops when it is told to, and leaves no part of a copy", async () => {
  await withModel(async (place) => {
    const big = new Uint8Array(1_500_000);
    big.set(place.bytes);
    writeFileSync(place.path, big);
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new RangeError("enough"));
    const { signal } = controller;
    await assert.rejects(add(place, { copy: true, onProgress, signal }), /enough/);
    assert.deepEqual(readdirSync(place.directory), []);
  });
});

test("addModel() leaves the old manifest when the disk is full", async () => {
  await withModel(async (place) => {
    const { disk } = place;
    const before = await add(place);
    writeFileSync(place.path, place.bytes.slice().fill(7, place.bytes.length - 9));
    for (const failing of [".outboard.tmp", ".manifest.json.tmp"]) {
      const full = {
        ...disk,
        open: (...args: Parameters<typeof disk.open>): ReturnType<typeof disk.open> =>
          args[0].endsWith(failing) ? Promise.reject(new RangeError("full")) : disk.open(...args),
      };
      await assert.rejects(addModel({ ...place, disk: full, support }), /full/);
      assert.deepEqual(await readManifest(place, "stories"), before);
      assert.equal(getFile(place, before.outboard.path).length, before.outboard.sizeBytes);
    }
  });
});

/** The old model is gone and the new one takes its name. */
async function crashWhileAdding(copy: boolean): Promise<number> {
  const old = fixture("models/stories260K/stories260K-q8_0.gguf");
  const next = old.slice();
  next[next.length - 1] = 1 ^ (next.at(-1) ?? 0);
  const root = await blake3(next);
  const place = (disk: ModelledDisk): ManifestPlace => ({ disk, directory: "/home/models" });
  return await crashEverywhere<{ done: boolean }>({
    pageBytes: 4096,
    survivors: 3,
    notes: () => ({ done: false }),
    async prepare(disk): Promise<void> {
      await disk.makeDirectory("/home/models");
      await writeFileDurably(disk, { path: "/home/old.gguf", bytes: old });
      await writeFileDurably(disk, { path: "/home/next.gguf", bytes: next });
      await addModel({ ...place(disk), path: "/home/old.gguf", name: "m", support });
      await disk.remove("/home/old.gguf");
      await disk.syncDirectory("/home");
      for (const path of ["/", "/home", "/home/models"]) await disk.syncDirectory(path);
    },
    async work(disk, notes): Promise<void> {
      await addModel({ ...place(disk), path: "/home/next.gguf", name: "m", copy, support });
      notes.done = true;
    },
    async check(disk, { notes, where }): Promise<void> {
      const manifest = await readManifest(place(disk), "m");
      assert.ok(manifest !== undefined, where);
      const path = `/home/models/${manifest.outboard.path}`;
      const outboard = await readWholeFile(disk, { path, bytesMax: 1 << 20 });
      assert.equal(await blake3(outboard), manifest.outboard.digest, where);
      if (notes.done) assert.equal(manifest.root, root, where);
      const { state } = await verifyModel({ ...place(disk), manifest });
      assert.equal(state, manifest.root === root ? "intact" : "missing", where);
    },
  });
}

test("addModel() leaves the old manifest or the new one, whole, wherever the power goes", async () => {
  for (const copy of [false, true]) assert.ok(await crashWhileAdding(copy) > 40);
});

function support(): { numericClasses: string[]; obstacles: string[] } {
  return { numericClasses: [], obstacles: ["no"] };
}
