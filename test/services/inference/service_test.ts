// Goal: a model that cannot be used stops the node with one sentence that says which and why.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestNode } from "../support.ts";

test("The service does not start on a model file that is missing or is no model", async () => {
  await assert.rejects(
    startTestNode({ inference: { model: "nothing.gguf" }, limits: { restartsMax: 0 } }),
    /Cannot open model '.*nothing\.gguf' as no such file exists/,
  );
});

test("The service publishes its progress while it loads, and tells what it has loaded", async () => {
  const node = await startTestNode();
  try {
    const controller = new AbortController();
    const replay = node.kernel.bus.subscribe("model.load", {
      signal: controller.signal,
      replay: 1,
    });
    for await (const { payload } of replay) {
      const { name, loadedBytes, totalBytes } = payload as Record<string, unknown>;
      assert.equal(name, "stories260K");
      assert.equal(loadedBytes, totalBytes);
      controller.abort();
      break;
    }
    const info = await node.kernel.call("inference", "models.info", {
      params: { model: "stories260K" },
    }) as Record<string, unknown>;
    assert.equal(info["numericClass"], "skep-q8a/1");
    assert.equal(info["layerCount"], 5);
    assert.equal(info["source"], "embedded:stories260K");
  } finally {
    await node.stop();
  }
});
