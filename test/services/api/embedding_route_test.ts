// Goal: OpenAI's official client gets embeddings. Method: the client against a node on a real socket
// with an encoder of random weights, whose numbers other tests compare with the reference.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { familyShape } from "../../../bench/models/family_shapes.ts";
import { writeRandomModel } from "../../../bench/models/gguf_writer.ts";
import { embeddedEvent } from "../../../src/services/inference/mod.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";

const directory = mkdtempSync(join(tmpdir(), "skep-encoder-"));
const width = 64;
let node: TestNode;
let client: OpenAI;

before(async () => {
  const shape = familyShape("bert", {
    layerCount: 2,
    width,
    ffnWidth: 96,
    headCount: 4,
    kvHeadCount: 4,
    headWidth: 16,
    vocabularySize: 361,
    contextMax: 96,
    tiedOutput: false,
  });
  const path = join(directory, "encoder.gguf");
  writeRandomModel({ shape, type: "q8_0", seed: 2, path });
  node = await startTestNode({ inference: { model: path, threads: 1 }, models: directory });
  client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
});

after(async () => {
  await node.stop();
  rmSync(directory, { recursive: true, force: true });
});

const model = "encoder";

test("openai client: an encoder is listed as one that embeds and does nothing else", async () => {
  const one = await client.models.retrieve(model);
  assert.deepEqual(Reflect.get(one, "capabilities"), ["embeddings"]);
});

test("openai client: embeddings have length 1, and those of a list are those of its texts", async () => {
  const texts = ["a b c", "hello there", "a"];
  const list = await client.embeddings.create({ model, input: texts });
  assert.equal(list.object, "list");
  assert.equal(list.model, model);
  assert.deepEqual(list.data.map(({ index }) => index), [0, 1, 2]);
  assert.equal(list.usage.prompt_tokens, list.usage.total_tokens);
  let tokens = 0;
  for (const [at, text] of texts.entries()) {
    const one = await client.embeddings.create({ model, input: text, encoding_format: "float" });
    tokens += one.usage.prompt_tokens;
    const [embedding] = one.data;
    assert.equal(embedding?.embedding.length, width);
    const norm = Math.hypot(...embedding?.embedding ?? []);
    assert.ok(Math.abs(norm - 1) < 1e-5, `length ${norm}`);
    // The client asks for base64 unless told otherwise, so this compares the two forms as well.
    assert.deepEqual([...list.data[at]?.embedding ?? []], embedding?.embedding);
  }
  assert.equal(list.usage.prompt_tokens, tokens);
  assert.notDeepEqual(list.data[0]?.embedding, list.data[1]?.embedding);
  assert.ok(node.journal.some(({ chi }) => chi === embeddedEvent));
});

test("openai client: tokens are embedded as their text is", async () => {
  const text = "hello there";
  const answer = await node.kernel.call("inference", "tokenize", { params: { text } }) as {
    tokens: number[];
  };
  // Tokens are taken as they are, so that [SEP], which ends a text, has to be among them.
  const separator = 3;
  const tokens = [...answer.tokens, separator];
  const byText = await client.embeddings.create({ model, input: text, dimensions: width });
  const byTokens = await client.embeddings.create({ model, input: tokens });
  const listed = await client.embeddings.create({ model, input: [tokens, tokens] });
  assert.deepEqual(byTokens.data[0]?.embedding, byText.data[0]?.embedding);
  assert.deepEqual(listed.data[1]?.embedding, byText.data[0]?.embedding);
});

test("openai client: many texts are computed in turns, and each has its own place", async () => {
  const input = Array.from({ length: 300 }, (_, i) => `text ${i % 7} of many`);
  const list = await client.embeddings.create({ model, input });
  assert.equal(list.data.length, 300);
  assert.deepEqual(list.data[293]?.embedding, list.data[6]?.embedding);
  assert.notDeepEqual(list.data[293]?.embedding, list.data[5]?.embedding);
});

test("openai client: what cannot be embedded is refused by its field", async () => {
  const cases: readonly (readonly [object, string, string])[] = [
    [{ input: "x ".repeat(200) }, "input", "context_length_exceeded"],
    [{ input: [1, 99_999] }, "input", "invalid_value"],
    [{ input: "x", dimensions: 7 }, "dimensions", "invalid_value"],
    [{ input: "" }, "input", "invalid_value"],
  ];
  for (const [change, param, code] of cases) {
    const request = { model, ...change } as OpenAI.EmbeddingCreateParams;
    await assert.rejects(client.embeddings.create(request), (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.BadRequestError, String(thrown));
      assert.equal(thrown.param, param);
      assert.equal(thrown.code, code);
      return true;
    });
  }
  await assert.rejects(
    client.embeddings.create({ model: "other", input: "x" }),
    OpenAI.NotFoundError,
  );
});

test("openai client: an encoder does not generate, and a model that generates does not embed", async () => {
  const messages = [{ role: "user" as const, content: "hi" }];
  await assert.rejects(client.chat.completions.create({ model, messages }), (thrown: unknown) => {
    assert.ok(thrown instanceof OpenAI.BadRequestError);
    assert.equal(thrown.param, "model");
    return true;
  });
  const other = await startTestNode();
  const decoder = new OpenAI({ baseURL: other.baseUrl, apiKey: "none", maxRetries: 0 });
  try {
    await assert.rejects(
      decoder.embeddings.create({ model: "stories260K", input: "x" }),
      (thrown: unknown) => thrown instanceof OpenAI.BadRequestError && thrown.param === "model",
    );
  } finally {
    await other.stop();
  }
});
