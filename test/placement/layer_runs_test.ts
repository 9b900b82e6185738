/** Goal: layers are read as people count them. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { layerRuns, layerWords } from "../../src/placement/mod.ts";

test("layerWords() counts runs, both ends included", () => {
  assert.equal(layerWords([5]), "layer 5");
  assert.equal(layerWords([4, 5, 6, 7]), "layers 4-7");
  assert.equal(layerWords([0, 2, 3, 9]), "layers 0, 2-3, 9");
  assert.deepEqual(layerRuns([]), []);
});
