// Goal: whoever goes away frees the slot and the pages, whoever is slow or too many is told so, and
// the node goes on. Method: a model of 15 million weights, which takes long enough to be interrupted;
// the state is read from /metrics by polling, as an operator would.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { writeSlowModel } from "../slow_model.ts";
import type { ModelFile } from "../slow_model.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const model = "slow";
const messages = [{ role: "user" as const, content: "a b c" }];
const long = { model, messages, temperature: 0, stream: true } as const;

let file: ModelFile;
let node: TestNode;
let client: OpenAI;

before(async () => {
  file = writeSlowModel();
  node = await startTestNode({
    inference: { model: file.path, name: model, slots: 2, queueMax: 1 },
    api: { keepAliveMs: 20, idleMsMax: 400 },
  });
  client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
});

after(async () => {
  await node.stop();
  file.remove();
});

async function slotsActive(): Promise<number> {
  return await node.metric("skep_inference_slots_active");
}

async function idle(): Promise<void> {
  await node.until("no slot is active", async () => await slotsActive() === 0);
  await node.until(
    "no page is used",
    async () => await node.metric("skep_inference_kv_pages_used") === 0,
  );
  assert.equal(await node.metric("skep_inference_queue_depth"), 0);
}

test("Aborting a stream in the middle frees its slot and its pages", async () => {
  const cancelled = await node.metric('skep_inference_requests_total{outcome="cancelled"}');
  const stream = await client.chat.completions.create(long);
  let count = 0;
  for await (const _ of stream) {
    if (++count < 5) continue;
    assert.equal(await slotsActive(), 1);
    assert.ok(await node.metric("skep_inference_kv_pages_used") > 0);
    stream.controller.abort();
    break;
  }
  await idle();
  const after = await node.metric('skep_inference_requests_total{outcome="cancelled"}');
  assert.equal(after, cancelled + 1);
  assert.ok(node.journal.some(({ body }) => (body as { finish: string }).finish === "cancelled"));
});

test("Aborting a request that is not streamed frees its slot", async () => {
  const controller = new AbortController();
  const answer = client.chat.completions.create({ model, messages, temperature: 0 }, {
    signal: controller.signal,
  });
  answer.catch(() => {});
  await node.until("a slot is active", async () => await slotsActive() === 1);
  controller.abort();
  await assert.rejects(answer, OpenAI.APIUserAbortError);
  await idle();
});

test("Aborting while the prompt is processed frees its slot", async () => {
  const prompt = Array.from({ length: 1900 }, (_, index) => 300 + index);
  const controller = new AbortController();
  const answer = client.completions.create({ model, prompt, max_tokens: 5 }, {
    signal: controller.signal,
  });
  answer.catch(() => {});
  await node.until(
    "pages are used",
    async () => await node.metric("skep_inference_slots_active") === 1,
  );
  controller.abort();
  await assert.rejects(answer, OpenAI.APIUserAbortError);
  await idle();
});

test("A full queue is 429 with Retry-After, and waiting requests that go away leave the queue", async () => {
  const streams = await Promise.all([
    client.chat.completions.create(long),
    client.chat.completions.create(long),
  ]);
  const waiting = await client.chat.completions.create(long);
  assert.equal(await node.metric("skep_inference_queue_depth"), 1);
  await assert.rejects(client.chat.completions.create(long), (thrown: unknown) => {
    assert.ok(thrown instanceof OpenAI.RateLimitError);
    assert.equal(thrown.code, "queue_full");
    assert.equal(thrown.headers.get("retry-after"), "1");
    return true;
  });
  waiting.controller.abort();
  await node.until(
    "the queue is empty",
    async () => await node.metric("skep_inference_queue_depth") === 0,
  );
  for (const stream of streams) stream.controller.abort();
  await idle();
});

test("Two requests take turns: neither waits for the other's end", async () => {
  const request = { ...long, max_tokens: 12 };
  const order: string[] = [];
  async function follow(name: string): Promise<void> {
    const stream = await client.chat.completions.create(request);
    for await (const _ of stream) order.push(name);
  }
  await Promise.all([follow("a"), follow("b")]);
  const firstEnd = Math.min(order.lastIndexOf("a"), order.lastIndexOf("b"));
  const lastStart = Math.max(order.indexOf("a"), order.indexOf("b"));
  assert.ok(lastStart < firstEnd, order.join(""));
  await idle();
});

test("Comments keep a stream alive while its prompt is processed or it waits", async () => {
  const prompt = Array.from({ length: 600 }, (_, index) => 300 + index);
  const response = await fetch(`${node.baseUrl}/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, prompt, max_tokens: 1, stream: true, temperature: 0 }),
  });
  const text = await response.text();
  assert.match(text, /^: working\n\n/);
  assert.match(text, /data: \[DONE\]\n\n$/);
});

test("A client that reads nothing is dropped, and generation did not run ahead of it", async () => {
  const before = await node.metric("skep_inference_completion_tokens_total");
  const body = JSON.stringify({ ...long, stream_options: { include_usage: true } });
  const socket = connect(node.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.pause();
  socket.write(
    "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" +
      `Content-Length: ${body.length}\r\n\r\n${body}`,
  );
  await node.until("a slot is active", async () => await slotsActive() === 1);
  socket.destroy();
  await idle();
  const made = await node.metric("skep_inference_completion_tokens_total") - before;
  assert.ok(made < 2000, `${made} tokens were made`);
});

test("Stopping lets a running answer finish and refuses new ones", async () => {
  const own = await startTestNode({ inference: { model: file.path, name: model } });
  const other = new OpenAI({ baseURL: own.baseUrl, apiKey: "none", maxRetries: 0 });
  const stream = await other.chat.completions.create({ ...long, max_tokens: 8 });
  const stopped = own.stop();
  let finish: string | null | undefined;
  for await (const chunk of stream) finish = chunk.choices[0]?.finish_reason ?? finish;
  assert.equal(finish, "length");
  await stopped;
  await assert.rejects(other.models.list(), OpenAI.APIConnectionError);
});

test("Stopping ends what does not finish within its time", async () => {
  const own = await startTestNode({
    inference: { model: file.path, name: model, drainMs: 50 },
    api: { drainMs: 50 },
  });
  const other = new OpenAI({ baseURL: own.baseUrl, apiKey: "none", maxRetries: 0 });
  const stream = await other.chat.completions.create(long);
  const stopped = own.stop();
  await assert.rejects(async () => {
    for await (const _ of stream);
    throw new Error("the stream ended as if nothing had happened");
  });
  await stopped;
});
