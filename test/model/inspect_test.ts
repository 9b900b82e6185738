/** Summaries of files that can be executed, and of files that cannot. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { bytesSource, inspectModel, openGguf } from "../../src/model/mod.ts";
import { openWritten, tinyLlama, withKey } from "./_files.ts";
import { fixture } from "./_vectors.ts";

test("inspectModel() counts parameters and bytes by type", async () => {
  const path = "models/stories260K/stories260K-q8_0.gguf";
  const summary = inspectModel(await openGguf(bytesSource(fixture(path), path)));
  assert.equal(summary.executable, true);
  assert.equal(summary.parameterCount, 292_800);
  assert.equal(summary.fileSizeBytes, 379_168);
  assert.deepEqual(summary.tensorTypes.map(({ type, tensorCount }) => [type, tensorCount]), [
    ["Q8_0", 32],
    ["F16", 5],
    ["F32", 11],
  ]);
  assert.deepEqual(summary.tokenizer, { kind: "llama", vocabularySize: 512 });
  assert.equal(summary.contextMax, 128);
  assert.equal(summary.hasChatTemplate, false);
  assert.deepEqual(JSON.parse(JSON.stringify(summary)), summary);
});

test("inspectModel() tells the licence and every obstacle", async () => {
  const { metadata, tensors } = tinyLlama();
  let pairs = withKey(metadata, ["general.architecture", { type: "string", value: "gpt2" }]);
  pairs = withKey(pairs, ["tokenizer.ggml.model", { type: "string", value: "gpt2" }]);
  pairs = withKey(pairs, ["general.license", { type: "string", value: "apache-2.0" }]);
  const summary = inspectModel(await openWritten({ metadata: pairs, tensors }));
  assert.equal(summary.licence, "apache-2.0");
  assert.equal(summary.executable, false);
  assert.equal(summary.shape, null);
  assert.equal(summary.obstacles.length, 2);
});
