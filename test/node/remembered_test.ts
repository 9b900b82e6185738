/**
 * Goal: the model and layers that a command told a node hold at its next start, until skep.toml, the
 * environment or a flag says otherwise.
 */
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { loadNodeConfiguration, resolvePaths } from "../../src/node/mod.ts";
import {
  forgetRemembered,
  holdingOf,
  readRemembered,
  writeRemembered,
} from "../../src/node/remembered.ts";
import type { Remembered } from "../../src/node/remembered.ts";
import { realDisk } from "../../src/ports/mod.ts";
import { withFolder } from "./_support.ts";

const nothing: { readonly model: unknown; readonly layers: unknown } = {
  model: undefined,
  layers: undefined,
};
const both: Remembered = {
  by: "skep join",
  model: { value: "big", over: null },
  layers: { value: "4-8", over: null },
};

test("holdingOf() gives way to what skep.toml has changed since, and layers go with their model", () => {
  const held = (
    file: Partial<typeof nothing>,
    modelAbove?: string,
  ): ReturnType<typeof holdingOf> => holdingOf(both, { file: { ...nothing, ...file }, modelAbove });
  assert.deepEqual(held({}), { model: "big", layers: "4-8" });
  assert.deepEqual(held({ model: "small" }), {});
  assert.deepEqual(held({ layers: "auto" }), { model: "big" });
  // Another model by a flag or the environment comes without these layers; the same one has them.
  assert.deepEqual(held({}, "small"), { model: "big" });
  assert.deepEqual(held({}, "big"), { model: "big", layers: "4-8" });
  const over = { ...both, model: { value: "big", over: "small" } };
  const told = { file: { ...nothing, model: "small" }, modelAbove: undefined };
  assert.deepEqual(holdingOf(over, told), { model: "big", layers: "4-8" });
  const layersAlone: Remembered = { by: "skep up --save", layers: { value: "4-8", over: null } };
  assert.deepEqual(holdingOf(layersAlone, { file: nothing, modelAbove: undefined }), {
    layers: "4-8",
  });
  assert.deepEqual(holdingOf(layersAlone, { file: nothing, modelAbove: "small" }), {});
});

test("what is remembered is between skep.toml and the environment, and says where it comes from", () =>
  withFolder(async (home) => {
    const disk = realDisk();
    const paths = resolvePaths(() => undefined, { home });
    const path = paths.rememberedFile;
    await writeRemembered({ disk, path }, both);
    assert.deepEqual(await readRemembered({ disk, path }), both);
    const load = async (
      names: Record<string, string>,
      config: Record<string, Record<string, unknown>> = {},
    ): Promise<readonly unknown[]> => {
      const environment = (name: string): string | undefined => names[name];
      const { settings } = await loadNodeConfiguration({ paths, environment, disk, config });
      const of = (key: string): unknown => settings.find((one) => one.path === `inference.${key}`);
      return ["model", "layers"].map((key) => {
        const { value, from } = of(key) as { value: unknown; from: string };
        return `${value} ${from}`;
      });
    };
    const from = `remembered since "skep join": ${path}`;
    assert.deepEqual(await load({}), [`big ${from}`, `4-8 ${from}`]);
    assert.deepEqual(await load({ SKEP_INFERENCE_MODEL: "small" }), [
      "small SKEP_INFERENCE_MODEL",
      "all default",
    ]);
    assert.deepEqual(await load({}, { inference: { layers: "0-2" } }), [
      `big ${from}`,
      "0-2 run(config)",
    ]);
    mkdirSync(paths.directories.config, { recursive: true });
    writeFileSync(paths.configFile, '[inference]\nmodel = "small"\n');
    assert.deepEqual(await load({}), [`small ${paths.configFile}:2`, "all default"]);
    assert.equal(await forgetRemembered({ disk, path }), true);
    assert.equal(await forgetRemembered({ disk, path }), false);
    assert.equal(await readRemembered({ disk, path }), undefined);
  }));

test("a damaged remembered.json is refused by its name", () =>
  withFolder(async (home) => {
    const paths = resolvePaths(() => undefined, { home });
    mkdirSync(paths.directories.state, { recursive: true });
    for (const text of ["{", "[]", '{"by":"x","modell":{}}', '{"by":"x","model":{"value":1}}']) {
      writeFileSync(paths.rememberedFile, text);
      const loading = loadNodeConfiguration({
        paths,
        environment: () => undefined,
        disk: realDisk(),
      });
      await assert.rejects(loading, /remembered\.json: is not what this release writes; remove it/);
    }
  }));
