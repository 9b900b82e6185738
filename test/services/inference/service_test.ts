// Goal: a model that cannot be used stops the node with one sentence that says which and why.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, utimesSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { classSupport } from "../../../src/engine/mod.ts";
import { addModel } from "../../../src/model/mod.ts";
import { realDisk } from "../../../src/ports/mod.ts";
import { startTestNode } from "../support.ts";

test("The service does not start on a model file that is missing or is no model", async () => {
  await assert.rejects(
    startTestNode({ inference: { model: "nothing.gguf" }, limits: { restartsMax: 0 } }),
    /Cannot open model '.*nothing\.gguf' as no such file exists/,
  );
});

test("The fingerprint holds the root of a model that was added, until its file changes", async () => {
  const home = mkdtempSync(join(tmpdir(), "skep-fingerprint-"));
  const path = join(home, "tiny.gguf");
  const fixture = "../../fixtures/models/stories260K/stories260K-q8_0.gguf";
  copyFileSync(new URL(fixture, import.meta.url), path);
  async function fingerprintOf(model: string, kvType?: "f32" | "f16"): Promise<unknown> {
    const inference = { model, ...(kvType === undefined ? {} : { kvType }) };
    const node = await startTestNode({ inference, models: home });
    try {
      const params = { model: "tiny" };
      const info = await node.kernel.call("inference", "models.info", { params });
      return (info as Record<string, unknown>)["fingerprint"];
    } finally {
      await node.stop();
    }
  }
  try {
    assert.match(String(await fingerprintOf(path)), /^skep-q8a\/1:tiny:[0-9a-f]{8}$/);
    assert.match(String(await fingerprintOf(path, "f16")), /^skep-q8a-kv16\/1:tiny:[0-9a-f]{8}$/);
    const { root } = await addModel({
      disk: realDisk(),
      directory: home,
      path,
      support: classSupport,
    });
    const known = `skep-q8a/1:tiny:${root.slice(0, 16)}`;
    for (const model of ["tiny", path, "tiny.gguf"]) {
      assert.equal(await fingerprintOf(model), known, model);
    }
    utimesSync(path, 1, 1);
    assert.match(String(await fingerprintOf("tiny")), /^skep-q8a\/1:tiny:[0-9a-f]{8}$/);
  } finally {
    rmSync(home, { recursive: true });
  }
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

test("A request may have as many positions as all pages hold, and a longer prompt is refused at once", async () => {
  const node = await startTestNode({ inference: { kvBytesMax: 1 << 16 } });
  try {
    const info = await node.kernel.call("inference", "models.info", {
      params: { model: "stories260K" },
    }) as Record<string, unknown>;
    // One page of 40,960 bytes is all that fits.
    assert.equal(info["contextMax"], 32);
    const ask = async (prompt: number[]): Promise<Response> =>
      await fetch(`${node.baseUrl}/completions`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ model: "stories260K", prompt, max_tokens: 100, temperature: 0 }),
      });
    const whole = await ask([1, 403]);
    assert.equal(whole.status, 200);
    const { usage, choices } = await whole.json() as {
      usage: { total_tokens: number };
      choices: { finish_reason: string }[];
    };
    assert.deepEqual([usage.total_tokens, choices[0]?.finish_reason], [32, "length"]);
    const long = await ask(new Array(32).fill(1));
    assert.equal(long.status, 400);
    const { error } = await long.json() as { error: { code: string } };
    assert.equal(error.code, "context_length_exceeded");
  } finally {
    await node.stop();
  }
});

test("A request that is resumed with the answer so far as its prompt goes on as it would have", async () => {
  const node = await startTestNode();
  try {
    const sampling = { temperature: 1.3, topP: 0.95, repeatPenalty: 1.1, frequencyPenalty: 0.2 };
    const generate = async (prompt: number[], maxTokens: number): Promise<number[]> => {
      const params = {
        requestId: `r${maxTokens}`,
        model: "stories260K",
        prompt: { kind: "tokens", tokens: prompt },
        maxTokens,
        seed: 4_503_599_627_370_497,
        sampling,
      };
      const tokens: number[] = [];
      for await (const item of node.kernel.stream("inference", "generate", { params })) {
        tokens.push(...(item as { tokens?: number[] }).tokens ?? []);
      }
      return tokens;
    };
    const whole = await generate([1, 403], 40);
    assert.equal(whole.length, 40);
    for (const cut of [1, 13, 30]) {
      const rest = await generate([1, 403, ...whole.slice(0, cut)], 40 - cut);
      assert.deepEqual(rest, whole.slice(cut), `cut at ${cut}`);
    }
  } finally {
    await node.stop();
  }
});
