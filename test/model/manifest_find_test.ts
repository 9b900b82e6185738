import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { findModel, ModelError, openFoundModel } from "../../src/model/mod.ts";
import { realDisk } from "../../src/ports/mod.ts";

async function withPlace(
  run: (place: { disk: ReturnType<typeof realDisk>; directory: string }) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "skep-find-"));
  try {
    await run({ disk: realDisk(), directory });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

test("findModel() takes the embedded model's own name for the embedded model", () =>
  withPlace(async (place) => {
    const source = await openFoundModel(place, await findModel(place, "stories260K"));
    assert.equal(source.name, "embedded:stories260K");
    assert.deepEqual(await findModel(place, "stories260K"), await findModel(place, "embedded"));
  }));

test("findModel() refuses an unknown name with at most ten names that are known", () =>
  withPlace(async (place) => {
    for (let i = 10; i < 22; i++) {
      writeFileSync(join(place.directory, `model-${i}.manifest.json`), "{}");
    }
    await assert.rejects(findModel(place, "nosuch"), (thrown) => {
      assert(thrown instanceof ModelError);
      assert.equal(thrown.code, "not-found");
      assert.match(
        thrown.message,
        /'nosuch'.* \(model-10, .*model-19 and 2 more\); .* \.\/nosuch$/,
      );
      return true;
    });
  }));

test("findModel() finds a file of the models directory by its name", () =>
  withPlace(async (place) => {
    const path = join(place.directory, "tiny.gguf");
    writeFileSync(path, "");
    assert.deepEqual(await findModel(place, "tiny.gguf"), {
      path,
      manifest: undefined,
      hasChanged: false,
    });
  }));
