// Goal: a form that turns out in the middle of an answer to have no token that goes on names the field
// that asked for it. Method: OpenAI's client against a model none of whose texts has the byte 0xE2.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";
import { templates, writeTemplateModel } from "../template_models.ts";
import type { ModelFile } from "../template_models.ts";

let file: ModelFile;
let node: TestNode;
let client: OpenAI;

before(async () => {
  file = writeTemplateModel(templates.hermes, 0xe2);
  node = await startTestNode({
    inference: { model: file.path, threads: 1 },
    models: file.directory,
  });
  client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
});

after(async () => {
  await node.stop();
  file.remove();
});

const messages = [{ role: "user" as const, content: "hello" }];
const schema = { const: "ab\u20ac" };
const parameters = { type: "object", properties: { a: schema }, required: ["a"] };
const forms: readonly (readonly [param: string, asked: object, begun: string])[] = [
  ["grammar", { grammar: 'root ::= "ab" "\u20ac"' }, "ab"],
  [
    "response_format",
    { response_format: { type: "json_schema", json_schema: { name: "n", schema } } },
    '"ab',
  ],
  [
    "tools",
    {
      tools: [{ type: "function", function: { name: "f", strict: true, parameters } }],
      tool_choice: "required",
    },
    '{"a":"ab',
  ],
];

/** Whether it is the error of a dead end that names the field. */
function isDeadEnd(thrown: unknown, param: string): true {
  assert.ok(thrown instanceof OpenAI.APIError, String(thrown));
  assert.equal(thrown.code, "grammar_dead_end");
  assert.equal(thrown.param, param);
  assert.match(thrown.message, /no token that the grammar allows here/);
  return true;
}

for (const [param, asked, begun] of forms) {
  test(`A dead end in the middle of an answer names ${param}, whole and streamed`, async () => {
    const request = { model: "random", messages, seed: 1, ...asked };
    await assert.rejects(
      client.chat.completions.create(request),
      (thrown) => isDeadEnd(thrown, param) && thrown instanceof OpenAI.BadRequestError,
    );
    let text = "";
    await assert.rejects(async () => {
      for await (
        const event of await client.chat.completions.create({ ...request, stream: true })
      ) {
        const delta = event.choices[0]?.delta;
        text += delta?.content ?? delta?.tool_calls?.[0]?.function?.arguments ?? "";
      }
    }, (thrown) => isDeadEnd(thrown, param));
    assert.equal(text, begun, "the answer had begun");
  });
}

test("A dead end of a completion names grammar", async () => {
  const request = { model: "random", prompt: "x", grammar: 'root ::= "ab" "\u20ac"' };
  await assert.rejects(
    client.completions.create(request as OpenAI.CompletionCreateParamsNonStreaming),
    (thrown) => isDeadEnd(thrown, "grammar") && thrown instanceof OpenAI.BadRequestError,
  );
});
