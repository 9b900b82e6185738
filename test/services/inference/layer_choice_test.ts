/** Goal: "auto" takes as many layers as fit, those first that nobody has, and FROM-TO is checked. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { fileSource, openGguf, readModelShape, shardsOf } from "../../../src/model/mod.ts";
import { realDisk } from "../../../src/ports/mod.ts";
import { chosenLayers } from "../../../src/services/inference/layer_choice.ts";
import type { LayerChoice } from "../../../src/services/inference/layer_choice.ts";

const path = fileURLToPath(
  new URL("../../fixtures/models/stories260K/stories260K-q8_0.gguf", import.meta.url),
);
const source = await fileSource(realDisk(), path);
const file = await openGguf(source);
await source.close();
const shape = readModelShape(file);

const pageBytes = 32 * shape.layerCount * 64;
const positions = 64;
const cacheBytes = (positions / 32) * pageBytes;

/** Bytes of parts of the weights, with the keys and values of so many layers. */
function bytesOf(parts: readonly string[], layerCount = 0): number {
  const weights = shardsOf(file).flatMap(({ part, layer, ranges }) =>
    parts.includes(layer === undefined ? part : `${layer}`)
      ? ranges.map(({ lengthBytes }) => lengthBytes)
      : []
  );
  return weights.reduce((sum, bytes) => sum + bytes, 0) + layerCount * cacheBytes / 5;
}

const every = ["header", "embedding", "0", "1", "2", "3", "4", "head", "other"];
const wholeBytes = bytesOf(every, 5);

function choose(setting: string, more: Partial<LayerChoice> = {}): string {
  const choice = { file, shape, pageBytes, context: positions, others: [], freeBytes: wholeBytes };
  const chosen = chosenLayers(setting, { ...choice, ...more });
  return chosen === undefined ? "all" : `${chosen.from}-${chosen.to}`;
}

test("auto takes the whole model where it fits, and else as many layers as fit", () => {
  assert.equal(shape.layerCount, 5);
  assert.equal(choose("auto"), "all");
  assert.equal(choose("auto", { freeBytes: undefined }), "all");
  // The embedding comes with the first layer, and the head with the last.
  const four = bytesOf(["embedding", "0", "1", "2", "3"], 4);
  assert.equal(choose("auto", { freeBytes: four }), "0-4");
  assert.notEqual(choose("auto", { freeBytes: four - 1 }), "0-4");
  const middle = bytesOf(["1", "2", "3"], 3);
  assert.equal(choose("auto", { freeBytes: middle }), "1-4");
  assert.throws(
    () => choose("auto", { freeBytes: 10 }),
    /Cannot load layers as not one fits: the machine can give 10 bytes, and a layer needs \d+$/,
  );
});

test("auto takes first what nobody else has, and no end that it is not trusted with", () => {
  const freeBytes = bytesOf(["1", "2"], 2);
  assert.equal(choose("auto", { freeBytes, others: [{ from: 0, to: 2 }] }), "2-4");
  assert.equal(
    choose("auto", { freeBytes, others: [{ from: 0, to: 2 }, { from: 3, to: 5 }] }),
    "1-3",
  );
  assert.equal(choose("auto", { freeBytes, edgeLayers: 1 }), "1-3");
});

test("FROM-TO lies within the model, and all of it is all", () => {
  assert.equal(choose("all"), "all");
  assert.equal(choose("0-5"), "all");
  assert.equal(choose("1-4"), "1-4");
  for (const setting of ["0-6", "3-3", "4-2"]) {
    assert.throws(() => choose(setting), new RegExp(`within 0-5: current value is ${setting}$`));
  }
});
