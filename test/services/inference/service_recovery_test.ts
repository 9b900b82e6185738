// Goal: a thread that dies fails what was running, with a sentence that says so, and the node answers
// again without being told to. Method: the real engine with two threads, of which one is ended.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { writeRandomModel } from "../../../bench/models/gguf_writer.ts";
import { parseWriterArguments } from "../../../bench/models/gguf_writer_options.ts";
import type { ModelExecutor } from "../../../src/engine/mod.ts";
import { RpcError } from "../../../src/kernel/mod.ts";
import { wasmEngine } from "../../../src/services/inference/mod.ts";
import type { Engine, GenerateItem } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const loaded: ModelExecutor[] = [];
const watched: Engine = {
  ...wasmEngine,
  load: async (options) => {
    const executor = await wasmEngine.load(options);
    loaded.push(executor);
    return executor;
  },
};

function killThread(executor: ModelExecutor | undefined, thread: number): void {
  (executor as unknown as { killThread(thread: number): void }).killThread(thread);
}

let requestCount = 0;

function generate(node: TestNode): AsyncGenerator<GenerateItem> {
  const params = {
    requestId: `r${++requestCount}`,
    model: "stories260K",
    prompt: { kind: "text", text: "Once upon a time" },
    sampling: { temperature: 0 },
    maxTokens: 100,
  };
  return node.kernel.stream("inference", "generate", { params }) as AsyncGenerator<GenerateItem>;
}

/** What ends the stream. */
async function readOn(items: AsyncGenerator<GenerateItem>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([Array.fromAsync(items)]);
  return outcome.status === "rejected" ? outcome.reason : undefined;
}

for (const thread of [0, 1]) {
  test(`When thread ${thread} dies its requests fail, and the next is answered as before`, async () => {
    const node = await startTestNode({
      engine: watched,
      inference: { threads: 2, slots: 2 },
      limits: { restartDelayMsMin: 20 },
    });
    try {
      const whole = await Array.fromAsync(generate(node));
      const running = [generate(node), generate(node), generate(node)];
      for (const items of running.slice(0, 2)) {
        await items.next();
        await items.next();
      }
      await running[2]?.next();
      killThread(loaded.at(-1), thread);
      for (const thrown of await Promise.all(running.map(readOn))) {
        assert.ok(thrown instanceof RpcError && thrown.kind === "unavailable", String(thrown));
        assert.match(thrown.message, /executor broke down/);
      }
      const health = new URL("/health", node.baseUrl);
      const down = await fetch(health);
      if (down.status !== 200) {
        assert.equal(down.status, 503);
        assert.ok(Number(down.headers.get("retry-after")) > 0);
      }
      await down.body?.cancel();
      await node.until("the node is well", async () => {
        const response = await fetch(health);
        await response.body?.cancel();
        return response.ok;
      });
      assert.deepEqual(textOf(await Array.fromAsync(generate(node))), textOf(whole));
      assert.equal(await node.metric("skep_inference_executor_failures_total"), 1);
      assert.equal(await node.metric("skep_inference_slots_active"), 0);
      assert.equal(await node.metric("skep_inference_kv_pages_used"), 0);
    } finally {
      await node.stop();
    }
  });
}

function textOf(items: readonly GenerateItem[]): string {
  return items.map((item) => item.type === "text" ? item.text : "").join("");
}

test("When a thread dies that embeds, who waits is told so too, and the next text is embedded as before", async () => {
  const directory = mkdtempSync(join(tmpdir(), "skep-encoder-"));
  const path = join(directory, "encoder.gguf");
  const extents = "layers=6,width=256,ffn=512,heads=4";
  const vocabulary = ["--family", "bert", "--vocabulary", "bert-bge"];
  const model = await parseWriterArguments([extents, "q8_0", path, ...vocabulary]);
  if (model !== undefined) writeRandomModel(model);
  const node = await startTestNode({
    engine: watched,
    inference: { model: path, threads: 2, slots: 1, queueMax: 1 },
    limits: { restartDelayMsMin: 20 },
  });
  const embed = (texts: readonly string[]): Promise<unknown> =>
    node.kernel.call("inference", "embed", {
      params: { requestId: `r${++requestCount}`, model: "encoder", texts },
    });
  const ended = (outcome: string): Promise<number> =>
    node.metric(`skep_inference_embed_requests_total{outcome="${outcome}"}`);
  try {
    const whole = await embed(["a text"]);
    const many = Array.from({ length: 2000 }, (_, i) => `text ${i} of very many`);
    const running = [embed(many), embed(many), embed(many)];
    const settled = Promise.allSettled(running);
    await assert.rejects(
      running[2] ?? Promise.resolve(),
      (thrown) => thrown instanceof RpcError && thrown.kind === "busy",
    );
    assert.equal(await node.metric("skep_inference_embed_queue_depth"), 1);
    killThread(loaded.at(-1), 1);
    for (const outcome of (await settled).slice(0, 2)) {
      assert.ok(outcome.status === "rejected");
      const { reason } = outcome;
      assert.ok(reason instanceof RpcError && reason.kind === "unavailable", String(reason));
      assert.match(reason.message, /executor broke down/);
    }
    let again: unknown;
    await node.until("texts are embedded again", async () => {
      [again] = (await Promise.allSettled([embed(["a text"])])).flatMap((one) =>
        one.status === "fulfilled" ? [one.value] : []
      );
      return again !== undefined;
    });
    assert.deepEqual(again, whole);
    assert.equal(await ended("busy"), 1);
    assert.equal(await ended("done"), 2);
    assert.ok(await ended("unavailable") >= 2);
    assert.equal(await node.metric("skep_inference_embed_queue_depth"), 0);
  } finally {
    await node.stop();
    rmSync(directory, { recursive: true });
  }
});
