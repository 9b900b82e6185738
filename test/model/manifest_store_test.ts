/** Goal: manifests are found by name and by file, and a broken one hides no other. */
import assert from "node:assert/strict";
import { copyFileSync, renameSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findManifest, isUnchanged, listManifests, readManifest } from "../../src/model/mod.ts";
import { isModelError } from "./_files.ts";
import { add, putFile, withModel } from "./_manifests.ts";

test("readManifest() and findManifest() find by name and by file", async () => {
  await withModel(async (place) => {
    assert.deepEqual(await listManifests(place), []);
    assert.equal(await readManifest(place, "stories"), undefined);
    const manifest = await add(place);
    const copied = await add(place, { name: "other", copy: true });
    assert.deepEqual(await readManifest(place, "stories"), manifest);
    assert.deepEqual(await findManifest(place, place.path), manifest);
    assert.deepEqual(await findManifest(place, join(place.directory, "other.gguf")), copied);
    assert.equal(await findManifest(place, "/elsewhere"), undefined);
    for (const name of ["../stories", "", "embedded", "a/b"]) {
      assert.equal(await readManifest(place, name), undefined);
    }
  });
});

test("listManifests() tells of those that cannot be used, and goes on", async () => {
  await withModel(async (place) => {
    await add(place);
    putFile(place, "bad.manifest.json", "{}");
    putFile(place, "large.manifest.json", " ".repeat(8 * 1024 * 1024 + 1));
    putFile(place, "..manifest.json", "{}");
    putFile(place, "notes.txt", "");
    const { directory } = place;
    copyFileSync(join(directory, "stories.manifest.json"), join(directory, "wrong.manifest.json"));
    const listed = await listManifests(place);
    assert.deepEqual(
      listed.map((each) => "error" in each ? `${each.name} ${each.error.code}` : each.name),
      ["bad bad-manifest", "large bad-manifest", "stories", "wrong bad-manifest"],
    );
    await assert.rejects(readManifest(place, "wrong"), isModelError("bad-manifest", /'stories'/));
    assert.equal((await findManifest(place, place.path))?.name, "stories");
  });
});

test("isUnchanged() looks at length and time", async () => {
  await withModel(async (place) => {
    const manifest = await add(place);
    assert.equal(await isUnchanged(place, manifest), true);
    utimesSync(place.path, 5, 5);
    assert.equal(await isUnchanged(place, manifest), false);
    renameSync(place.path, `${place.path}.old`);
    assert.equal(await isUnchanged(place, manifest), false);
  });
});
