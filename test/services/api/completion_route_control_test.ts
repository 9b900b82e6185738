// Goal: what steers and explains an answer (log-probabilities, several choices) is what OpenAI's
// official client reads. Method: the client against a node on a real socket, with the embedded model.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const model = "stories260K";
const story = [{ role: "user" as const, content: "Once upon a time" }];
const base = { model, messages: story, max_completion_tokens: 12, temperature: 1, seed: 5 };

let node: TestNode;
let client: OpenAI;

before(async () => {
  node = await startTestNode({ inference: { slots: 3, queueMax: 5 } });
  client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
});

after(() => node.stop());

test("openai client: logprobs list the answer's tokens, whole and streamed alike", async () => {
  const request = { ...base, logprobs: true, top_logprobs: 3 };
  const whole = await client.chat.completions.create(request);
  const [choice] = whole.choices;
  const listed = choice?.logprobs?.content ?? [];
  assert.equal(listed.length, 12);
  assert.equal(listed.map(({ token }) => token).join(""), choice?.message.content);
  for (const { token, bytes, logprob, top_logprobs: top } of listed) {
    assert.deepEqual(bytes, [...new TextEncoder().encode(token)]);
    assert.equal(top.length, 3);
    assert.ok(logprob <= (top[0]?.logprob ?? -Infinity));
    assert.ok(top.every((one, at) => at === 0 || one.logprob <= (top[at - 1]?.logprob ?? 0)));
    assert.ok(top.reduce((sum, one) => sum + Math.exp(one.logprob), 0) < 1 + 1e-9);
  }
  const stream = await client.chat.completions.create({ ...request, stream: true });
  const chunks = await Array.fromAsync(stream);
  const streamed = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.content ?? []);
  assert.deepEqual(streamed, listed);
  const plain = await client.chat.completions.create(base);
  assert.equal(plain.choices[0]?.logprobs, null);
  assert.equal(plain.choices[0]?.message.content, choice?.message.content);
});

test("openai client: a completion's logprobs have its own shape, with places in the text", async () => {
  const request = { model, prompt: "Once upon a time", max_tokens: 8, temperature: 0, logprobs: 2 };
  const whole = await client.completions.create(request);
  const [choice] = whole.choices;
  const { tokens = [], token_logprobs: own, top_logprobs: top, text_offset: offsets } =
    choice?.logprobs ?? {};
  assert.equal(tokens.join(""), choice?.text);
  tokens.forEach((token, at) => {
    assert.equal(choice?.text.slice(offsets?.[at]).startsWith(token), true);
    assert.equal(top?.[at]?.[token], own?.[at]);
    assert.equal(Object.keys(top?.[at] ?? {}).length, 2);
  });
  const stream = await client.completions.create({ ...request, stream: true });
  const chunks = await Array.fromAsync(stream);
  const streamed = chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.tokens ?? []);
  assert.deepEqual(streamed, tokens);
});

test("openai client: n choices are n answers, and choice i is that of the seed i higher", async () => {
  const one = await Promise.all(
    [0, 1, 2, 3].map((i) => client.chat.completions.create({ ...base, seed: base.seed + i })),
  );
  const expected = one.map(({ choices }) => choices[0]?.message.content);
  assert.ok(new Set(expected).size > 1);
  const many = await client.chat.completions.create({ ...base, n: 4 });
  assert.deepEqual(many.choices.map(({ index }) => index), [0, 1, 2, 3]);
  assert.deepEqual(many.choices.map(({ message }) => message.content), expected);
  assert.equal(many.usage?.prompt_tokens, 5);
  assert.equal(many.usage?.completion_tokens, 48);
  const stream = await client.chat.completions.create({
    ...base,
    n: 4,
    stream: true,
    stream_options: { include_usage: true },
  });
  const texts = ["", "", "", ""];
  const ends: number[] = [];
  for await (const { choices: [choice], usage } of stream) {
    if (choice === undefined) {
      assert.deepEqual(usage, many.usage);
      continue;
    }
    texts[choice.index] += choice.delta.content ?? "";
    if (choice.finish_reason !== null) ends.push(choice.index);
  }
  assert.deepEqual(texts, expected);
  assert.deepEqual(ends.toSorted(), [0, 1, 2, 3]);
});

test("openai client: more choices than slots and queue hold are refused, and leave nothing behind", async () => {
  await assert.rejects(client.chat.completions.create({ ...base, n: 9 }), (thrown: unknown) => {
    assert.ok(thrown instanceof OpenAI.RateLimitError);
    assert.equal(thrown.code, "queue_full");
    return true;
  });
  await node.until(
    "all is given back",
    async () => await node.metric("skep_inference_slots_active") === 0,
  );
  const whole = await client.chat.completions.create({ ...base, n: 8 });
  assert.equal(whole.choices.length, 8);
});
