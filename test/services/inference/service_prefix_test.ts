// Goal: what was computed for one request is not computed again for the next. Method: conversations as
// a coding agent would send them, whole each time, with a model of random weights, a real vocabulary
// and its chat template; and the same prompts with a cache that has no room.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { writeRandomModel } from "../../../bench/models/gguf_writer.ts";
import { parseWriterArguments } from "../../../bench/models/gguf_writer_options.ts";
import type { GenerateItem, Usage } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const directory = mkdtempSync(join(tmpdir(), "skep-prefix-"));
const path = join(directory, "agent.gguf");

before(async () => {
  const extents = "layers=1,width=64,ffn=128,heads=2,kv=1";
  const options = ["--vocabulary", "phi-3", "--context", "32768"];
  const model = await parseWriterArguments([extents, "q8_0", path, ...options]);
  if (model !== undefined) writeRandomModel(model);
});

after(() => rmSync(directory, { recursive: true }));

interface Message {
  readonly role: "system" | "user" | "assistant" | "tool";
  readonly content: string;
}

interface Answer {
  readonly text: string;
  readonly usage: Usage;
}

let requestCount = 0;

async function ask(node: TestNode, change: Record<string, unknown>): Promise<Answer> {
  const params = {
    requestId: `r${++requestCount}`,
    model: "agent",
    seed: requestCount,
    maxTokens: 30,
    ...change,
  };
  const items = await Array.fromAsync(
    node.kernel.stream("inference", "generate", { params }) as AsyncIterable<GenerateItem>,
  );
  const end = items.at(-1);
  assert.ok(end?.type === "end");
  const text = items.map((item) => item.type === "text" ? item.text : "").join("");
  return { text, usage: end.usage };
}

const tools = Array.from({ length: 8 }, (_, i) => ({
  name: `tool_${i}`,
  description: `Reads part ${i} of the workspace and tells what stands there, line by line.`,
  parameters: {
    type: "object",
    properties: { path: { type: "string" }, line: { type: "integer" } },
  },
}));

const system: Message = {
  role: "system",
  content: "You are a coding agent. Look before you change anything, and say what you did.\n" +
    tools.map((tool) => JSON.stringify(tool)).join("\n"),
};

/** A turn's question or what a tool has said. */
function said(turn: number): Message {
  const lines = Array.from({ length: 4 }, (_, i) => `  ${i}: const value${turn} = ${turn * i};`);
  return turn % 2 === 0
    ? { role: "user", content: `Now mend src/file_${turn}.ts, where test ${turn} fails.` }
    : { role: "tool", content: `src/file_${turn}.ts\n${lines.join("\n")}` };
}

test("Of 30 turns of a coding agent, 90 % of all prompt tokens come from the cache after the first", async () => {
  const node = await startTestNode({ inference: { model: path } });
  try {
    const messages = [system];
    const usages: Usage[] = [];
    for (let turn = 0; turn < 30; turn++) {
      messages.push(said(turn));
      const { text, usage } = await ask(node, { prompt: { kind: "chat", messages } });
      usages.push(usage);
      messages.push({ role: "assistant", content: text });
    }
    const sum = (rows: readonly number[]): number => rows.reduce((all, row) => all + row, 0);
    const prompts = sum(usages.slice(1).map((usage) => usage.promptTokens));
    const cached = sum(usages.slice(1).map((usage) => usage.cachedTokens));
    assert.equal(usages[0]?.cachedTokens, 0);
    assert.ok(cached >= 0.9 * prompts, `${cached} of ${prompts} prompt tokens`);
    assert.equal(await node.metric("skep_inference_prefix_hit_tokens_total"), cached);
    assert.equal(await node.metric("skep_inference_kv_pages_used"), 0);
    assert.ok(await node.metric("skep_inference_prefix_pages") > 50);
  } finally {
    await node.stop();
  }
});

/** A prompt of which the first `shared` tokens are the same for all names. */
function promptOf(name: number, shared: number): { kind: string; tokens: number[] } {
  const tokens = Array.from({ length: 300 }, (_, i) => 1000 + i * 7 + (i < shared ? 0 : name));
  return { kind: "tokens", tokens };
}

test("Requests that begin alike and come together compute what they share once, and answer the same", async () => {
  const node = await startTestNode({ inference: { model: path } });
  try {
    const requests = [0, 1, 2, 3].map((name) => ({ prompt: promptOf(name, 200), seed: 7 }));
    const cold = await Promise.all(requests.map((request) => ask(node, request)));
    assert.deepEqual(cold.map(({ usage }) => usage.cachedTokens), [0, 192, 192, 192]);
    const warm = await Promise.all(requests.map((request) => ask(node, request)));
    assert.deepEqual(warm.map(({ usage }) => usage.cachedTokens), [288, 288, 288, 288]);
    assert.deepEqual(warm.map(({ text }) => text), cold.map(({ text }) => text));
  } finally {
    await node.stop();
  }
});

test("A cache without room gives up the oldest, and answers are those of one with room", async () => {
  const roomy = await startTestNode({ inference: { model: path } });
  // A page holds 32 positions x (32 keys + 32 values) x 4 bytes: 16 of them.
  const narrow = await startTestNode({ inference: { model: path, kvBytesMax: 16 * 8192 } });
  try {
    for (const name of [0, 1, 2, 0, 1, 2]) {
      const request = { prompt: promptOf(name, 64), seed: 3 };
      const [expected, actual] = [await ask(roomy, request), await ask(narrow, request)];
      assert.equal(actual.text, expected.text);
    }
    assert.ok(await narrow.metric("skep_inference_prefix_evicted_pages_total") > 0);
    assert.equal(await roomy.metric("skep_inference_prefix_evicted_pages_total"), 0);
    const together = [3, 4, 5, 6].map((name) => ({ prompt: promptOf(name, 0), seed: 3 }));
    const expected = await Promise.all(together.map((request) => ask(roomy, request)));
    const actual = await Promise.all(together.map((request) => ask(narrow, request)));
    assert.deepEqual(actual.map(({ text }) => text), expected.map(({ text }) => text));
    assert.equal(await narrow.metric("skep_inference_kv_pages_used"), 0);
  } finally {
    await roomy.stop();
    await narrow.stop();
  }
});
