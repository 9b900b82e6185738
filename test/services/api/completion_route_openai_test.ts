// Goal: an application that uses OpenAI's official client gets answers. Method: the client against a
// node on a real socket, with the embedded model.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const model = "stories260K";
const story = [{ role: "user" as const, content: "Once upon a time" }];
const greedyStart =
  ", there was a little girl named Lily. She loved to play outside in the park. One day, she saw a big, red ball.";

const usage40 = {
  prompt_tokens: 5,
  completion_tokens: 40,
  total_tokens: 45,
  prompt_tokens_details: { cached_tokens: 0 },
};

let node: TestNode;
let client: OpenAI;

before(async () => {
  node = await startTestNode();
  client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
});

after(() => node.stop());

test("openai client: models are listed and retrieved, an unknown one is 404 model_not_found", async () => {
  const listed = await client.models.list();
  assert.deepEqual(listed.data.map(({ id }) => id), [model]);
  const one = await client.models.retrieve(model);
  assert.equal(one.object, "model");
  assert.equal(one.owned_by, "skep");
  assert.deepEqual(Reflect.get(one, "capabilities"), ["chat", "completions"]);
  assert.ok(Number.isInteger(one.created));
  await assert.rejects(client.models.retrieve("gpt-9"), (thrown: unknown) => {
    assert.ok(thrown instanceof OpenAI.NotFoundError);
    assert.equal(thrown.code, "model_not_found");
    return true;
  });
  await assert.rejects(
    client.chat.completions.create({ model: "gpt-9", messages: story }),
    (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.NotFoundError);
      assert.equal(thrown.code, "model_not_found");
      assert.equal(thrown.param, "model");
      return true;
    },
  );
});

test("openai client: a chat is answered whole, with exact usage", async () => {
  const answer = await client.chat.completions.create({
    model,
    messages: story,
    temperature: 0,
    max_completion_tokens: 40,
    service_tier: "auto",
  });
  assert.equal(answer.object, "chat.completion");
  assert.equal(answer.model, model);
  assert.match(answer.id, /^chatcmpl-[0-9a-f]{24}$/);
  assert.match(answer.system_fingerprint ?? "", /^skep-q8a\/1:stories260K:[0-9a-f]{8}$/);
  assert.equal(answer.service_tier, "default");
  const [choice] = answer.choices;
  assert.equal(choice?.message.role, "assistant");
  assert.equal(choice?.message.content, greedyStart);
  assert.equal(choice?.finish_reason, "length");
  assert.deepEqual(answer.usage, usage40);
});

test("openai client: a streamed chat has the role first, the same text, and usage last if asked", async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: story,
    temperature: 0,
    max_tokens: 40,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  assert.deepEqual(chunks[0]?.choices[0]?.delta.role, "assistant");
  const text = chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join("");
  assert.equal(text, greedyStart);
  const last = chunks.at(-1);
  assert.deepEqual(last?.choices, []);
  assert.deepEqual(last?.usage, usage40);
  assert.equal(chunks.at(-2)?.choices[0]?.finish_reason, "length");
  assert.ok(chunks.slice(0, -1).every((chunk) => chunk.usage === null));
  assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
});

test("openai client: a stream that was not asked for usage has none", async () => {
  const stream = await client.chat.completions.create({
    model,
    messages: story,
    max_tokens: 3,
    stream: true,
  });
  for await (const chunk of stream) assert.equal("usage" in chunk, false);
});

test("openai client: a completion is answered whole and streamed, with echo and token prompts", async () => {
  const request = { model, prompt: "Once upon a time", temperature: 0, max_tokens: 40 };
  const whole = await client.completions.create(request);
  assert.equal(whole.object, "text_completion");
  assert.match(whole.id, /^cmpl-/);
  assert.equal(whole.choices[0]?.text, greedyStart);
  const echoed = await client.completions.create({ ...request, echo: true });
  assert.equal(echoed.choices[0]?.text, `Once upon a time${greedyStart}`);
  const stream = await client.completions.create({ ...request, echo: true, stream: true });
  const chunks = await Array.fromAsync(stream);
  assert.equal(chunks.map(({ choices }) => choices[0]?.text).join(""), echoed.choices[0]?.text);
  assert.equal(chunks.at(-1)?.choices[0]?.finish_reason, "length");
  const { tokens } = await node.kernel.call("inference", "tokenize", {
    params: { text: "Once upon a time" },
  }) as { tokens: number[] };
  const byTokens = await client.completions.create({ ...request, prompt: tokens, echo: true });
  assert.equal(byTokens.choices[0]?.text, echoed.choices[0]?.text);
  const short = await client.completions.create({ model, prompt: "Once", echo: true });
  assert.equal(short.usage?.completion_tokens, 16);
  const none = await client.completions.create({
    model,
    prompt: "Once",
    max_tokens: 0,
    echo: true,
  });
  assert.equal(none.choices[0]?.text, "Once");
  assert.equal(none.usage?.completion_tokens, 0);
});

test("openai client: stop strings end the answer before them, also across tokens and in streams", async () => {
  const stops: string[] = ["little girl named Lily", "y. She", "."];
  for (const stop of stops) {
    const expected = greedyStart.slice(0, greedyStart.indexOf(stop));
    const request = { model, messages: story, temperature: 0, max_tokens: 60, stop: [stop, "@@"] };
    const whole = await client.chat.completions.create(request);
    assert.equal(whole.choices[0]?.message.content, expected);
    assert.equal(whole.choices[0]?.finish_reason, "stop");
    const stream = await client.chat.completions.create({ ...request, stream: true });
    let text = "";
    for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
    assert.equal(text, expected);
  }
});

test("openai client: one seed gives one text, another seed another, and the drawn one is reported", async () => {
  const request = { model, messages: story, temperature: 1.2, max_tokens: 30 };
  const one = await client.chat.completions.create({ ...request, seed: 42 });
  const two = await client.chat.completions.create({ ...request, seed: 42 });
  const other = await client.chat.completions.create({ ...request, seed: 43 });
  assert.equal(one.choices[0]?.message.content, two.choices[0]?.message.content);
  assert.notEqual(one.choices[0]?.message.content, other.choices[0]?.message.content);
  const { data, response } = await client.chat.completions.create(request).withResponse();
  const seed = Number(response.headers.get("x-skep-seed"));
  const again = await client.chat.completions.create({ ...request, seed });
  assert.equal(again.choices[0]?.message.content, data.choices[0]?.message.content);
});

test("openai client: sampling fields reach the sampler", async () => {
  const base = { model, messages: story, max_tokens: 12, seed: 5 };
  const greedy = await client.chat.completions.create({ ...base, temperature: 0 });
  const text = greedy.choices[0]?.message.content;
  const same = [{ top_p: 0 }, { top_k: 1 }, { min_p: 1 }];
  for (const narrowed of same) {
    const answer = await client.chat.completions.create({ ...base, ...narrowed });
    assert.equal(answer.choices[0]?.message.content, text, JSON.stringify(narrowed));
  }
  const { tokens } = await node.kernel.call("inference", "tokenize", {
    params: { text: " there", addBos: false },
  }) as { tokens: number[] };
  const [there] = tokens;
  const biased = [
    { logit_bias: { [String(there)]: 100 } },
    { presence_penalty: 2, frequency_penalty: 2 },
    { repeat_penalty: 10 },
  ];
  for (const change of biased) {
    const request = { ...base, temperature: 0, max_tokens: 40 };
    const answer = await client.chat.completions.create({ ...request, ...change });
    assert.notEqual(answer.choices[0]?.message.content, greedyStart, JSON.stringify(change));
  }
});

test("openai client: a field that is not honoured is refused by name", async () => {
  // The embedded model has no chat template that could show it tools.
  const tools = [{ type: "function" as const, function: { name: "f" } }];
  await assert.rejects(
    client.chat.completions.create({ model, messages: story, tools }),
    (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.BadRequestError);
      assert.equal(thrown.param, "tools");
      return true;
    },
  );
});

test("openai client: a prompt longer than the context is refused before anything is computed", async () => {
  const before = await node.metric("skep_inference_prompt_tokens_total");
  // The first has few enough letters to be worth counting its tokens; the second has not.
  for (const [times, tokens] of [[40, /it has \d+/], [400, /it has at least \d+/]] as const) {
    const messages = [{ role: "user" as const, content: "once upon a time ".repeat(times) }];
    await assert.rejects(
      client.chat.completions.create({ model, messages }),
      (thrown: unknown) => {
        assert.ok(thrown instanceof OpenAI.BadRequestError);
        assert.equal(thrown.code, "context_length_exceeded");
        assert.equal(thrown.param, "messages");
        assert.match(thrown.message, /context of 128 tokens/);
        assert.match(thrown.message, tokens);
        return true;
      },
    );
  }
  assert.equal(await node.metric("skep_inference_prompt_tokens_total"), before);
});

test("openai client: an answer ends where the context does", async () => {
  const { tokens } = await node.kernel.call("inference", "tokenize", {
    params: { text: "once upon a time ".repeat(400) },
  }) as { tokens: number[] };
  const prompt = tokens.slice(0, 121);
  const answer = await client.completions.create({ model, prompt, max_tokens: 1000, seed: 1 });
  assert.equal(answer.usage?.prompt_tokens, 121);
  assert.ok((answer.usage?.completion_tokens ?? 99) <= 7);
});

test("A finished request leaves a journal event with figures and digests, and without text", async () => {
  const answer = await client.chat.completions.create({
    model,
    messages: story,
    temperature: 0,
    max_tokens: 40,
    seed: 9,
  });
  const event = node.journal.find(({ rid }) => rid === answer.id);
  assert.equal(event?.chi, "inference.done");
  const body = event?.body as Record<string, unknown>;
  assert.equal(body["promptTokens"], 5);
  assert.equal(body["completionTokens"], 40);
  assert.equal(body["finish"], "length");
  assert.equal(body["seed"], 9);
  assert.match(String(body["outputDigest"]), /^[0-9a-f]{64}$/);
  assert.doesNotMatch(JSON.stringify(node.journal), /Lily|Once/);
});
