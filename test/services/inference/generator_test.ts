// Goal: whatever goes wrong in one request concerns that request only. Method: the real executor of
// the embedded model behind a wrapper that fails on demand, called as another service would.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EngineError } from "../../../src/engine/mod.ts";
import { RpcError } from "../../../src/kernel/mod.ts";
import type { GenerateItem } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";
import { engineWithStep } from "../wrapped_engine.ts";

let failure: Error | undefined;
const failing = engineWithStep((executor, ...call) =>
  failure === undefined ? executor.step(...call) : Promise.reject(failure)
);

let node: TestNode;

before(async () => {
  node = await startTestNode({ engine: failing, inference: { slots: 1, queueMax: 1 } });
});

after(() => node.stop());

interface Change {
  readonly [field: string]: unknown;
}

let requestCount = 0;

function generate(change?: Change, signal?: AbortSignal): AsyncIterable<GenerateItem> {
  const params = {
    requestId: `r${++requestCount}`,
    model: "stories260K",
    prompt: { kind: "text", text: "Once upon a time" },
    sampling: { temperature: 0 },
    maxTokens: 8,
    ...change,
  };
  const options = signal === undefined ? { params } : { params, signal };
  return node.kernel.stream("inference", "generate", options) as AsyncIterable<GenerateItem>;
}

function isKind(kind: string): (thrown: unknown) => boolean {
  return (thrown) => thrown instanceof RpcError && thrown.kind === kind;
}

async function idle(): Promise<void> {
  await node.until(
    "all is given back",
    async () =>
      await node.metric("skep_inference_slots_active") === 0 &&
      await node.metric("skep_inference_kv_pages_used") === 0,
  );
}

test("generate streams start, text and end, whose tokens are the text's", async () => {
  const items = await Array.fromAsync(generate());
  assert.equal(items[0]?.type, "start");
  const end = items.at(-1);
  assert.equal(end?.type, "end");
  const tokens = items.flatMap((item) => item.type === "start" ? [] : item.tokens);
  assert.equal(tokens.length, 8);
  const text = items.map((item) => item.type === "text" ? item.text : "").join("");
  const decoded = await node.kernel.call("inference", "detokenize", { params: { tokens } });
  assert.deepEqual(decoded, { text: text.trimStart() });
});

test("A NaN is an error of its request, names the layer, and the next request is answered", async () => {
  failure = new EngineError({
    code: "not-a-number",
    message: "Cannot go on as the hidden state after layer 3 is not finite",
    layer: 3,
  });
  await assert.rejects(Array.fromAsync(generate()), (thrown: unknown) => {
    assert.ok(isKind("internal")(thrown));
    assert.match((thrown as Error).message, /layer 3/);
    return true;
  });
  const response = await fetch(`${node.baseUrl}/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "stories260K", prompt: "x", stream: true }),
  });
  assert.match(await response.text(), /data: \{"error":\{"message":"Cannot go on .*"server_error"/);
  failure = undefined;
  assert.equal((await Array.fromAsync(generate())).at(-1)?.type, "end");
  await idle();
});

test("A shortage of pages is busy, and anything unexpected is internal without its details", async () => {
  failure = new EngineError({ code: "no-memory", message: "Cannot go on as no page is free" });
  await assert.rejects(Array.fromAsync(generate()), isKind("busy"));
  failure = new TypeError("secret");
  await assert.rejects(Array.fromAsync(generate()), (thrown: unknown) => {
    assert.ok(isKind("internal")(thrown));
    assert.doesNotMatch((thrown as Error).message, /secret/);
    return true;
  });
  failure = undefined;
  await idle();
});

test("A caller that aborts while it holds an item frees slot and pages at once", async () => {
  const controller = new AbortController();
  const items = generate({ maxTokens: 100 }, controller.signal)[Symbol.asyncIterator]();
  await items.next();
  await items.next();
  assert.equal(await node.metric("skep_inference_slots_active"), 1);
  controller.abort();
  await idle();
  await assert.rejects(items.next(), isKind("cancelled"));
});

test("A caller that aborts while it waits is told so, and leaves the queue", async () => {
  const holder = generate({ maxTokens: 100 })[Symbol.asyncIterator]();
  await holder.next();
  await holder.next();
  const controller = new AbortController();
  const waiting = generate({}, controller.signal)[Symbol.asyncIterator]();
  assert.equal((await waiting.next()).value.type, "start");
  const next = waiting.next();
  next.catch(() => {});
  await assert.rejects(Array.fromAsync(generate()), isKind("busy"));
  controller.abort();
  await assert.rejects(next, isKind("cancelled"));
  await holder.return?.();
  await idle();
});

test("Parameters that cannot be honoured are refused with the field at fault", async () => {
  const bad: readonly Change[] = [
    { seed: -1 },
    { seed: 2 ** 53 },
    { maxTokens: -1 },
    { stop: [""] },
    { sampling: { temperature: 3 } },
    { prompt: { kind: "tokens", tokens: [512] } },
    { prompt: { kind: "tokens", tokens: [] } },
    { sampling: { logitBias: { "512": 1 } } },
    { prompt: { kind: "chat", messages: [] } },
    { prompt: { kind: "text", text: "x ".repeat(500) } },
  ];
  for (const change of bad) {
    const label = JSON.stringify(change).slice(0, 80);
    await assert.rejects(Array.fromAsync(generate(change)), isKind("invalidParams"), label);
  }
  await assert.rejects(Array.fromAsync(generate({ model: "x" })), isKind("notFound"));
  await idle();
});
