// Goal: answers are held to what was asked for, and OpenAI's official client reads them. Method: the
// client against nodes on real sockets, with models of random weights, which write whatever they may.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { isLong } from "../../_long.ts";
import { startTestNode } from "../support.ts";
import type { TestNode } from "../support.ts";
import { templates, writeTemplateModel } from "../template_models.ts";
import type { ModelFile } from "../template_models.ts";

type Form = keyof typeof templates;

interface Started {
  readonly node: TestNode;
  readonly client: OpenAI;
  readonly file: ModelFile;
}

const started = new Map<Form, Started>();

before(async () => {
  for (const form of Object.keys(templates) as Form[]) {
    const file = writeTemplateModel(templates[form]);
    const node = await startTestNode({
      inference: { model: file.path, threads: 1 },
      models: file.directory,
    });
    const client = new OpenAI({ baseURL: node.baseUrl, apiKey: "none", maxRetries: 0 });
    started.set(form, { node, client, file });
  }
});

after(async () => {
  for (const { node, file } of started.values()) {
    await node.stop();
    file.remove();
  }
});

function clientOf(form: Form): OpenAI {
  const found = started.get(form);
  assert.ok(found !== undefined);
  return found.client;
}

/** The last token of a text. */
async function tokenOf(form: Form, text: string): Promise<string> {
  const { tokens } = await started.get(form)?.node.kernel.call("inference", "tokenize", {
    params: { text, addBos: false },
  }) as { tokens: number[] };
  return String(tokens.at(-1));
}

const user = { role: "user" as const, content: "hello" };
const base = { model: "random", messages: [user], max_completion_tokens: 600, seed: 1 };

const weather = {
  type: "function" as const,
  function: {
    name: "weather",
    description: "Tells the weather",
    strict: true,
    parameters: {
      type: "object",
      properties: {
        place: { type: "string", maxLength: 6 },
        unit: { enum: ["C", "F"] },
        days: { type: "integer", minimum: 1, maximum: 14 },
      },
      required: ["place", "unit", "days"],
      additionalProperties: false,
    },
  },
};
const clock = { type: "function" as const, function: { name: "clock" } };
const tools = [weather, clock];

function checkCall({ name, arguments: given }: { name: string; arguments: string }): void {
  const value = JSON.parse(given);
  if (name === "clock") return assert.deepEqual(value, {});
  assert.equal(name, "weather");
  assert.deepEqual(Object.keys(value), ["place", "unit", "days"]);
  assert.ok(typeof value.place === "string" && [...value.place].length <= 6);
  assert.ok(["C", "F"].includes(value.unit));
  assert.ok(Number.isInteger(value.days) && value.days >= 1 && value.days <= 14);
}

for (const form of Object.keys(templates) as Form[]) {
  test(`${form}: a call that is required is made, whole and streamed alike`, async () => {
    const client = clientOf(form);
    for (const seed of isLong ? [1, 2, 3] : [1]) {
      const request = {
        ...base,
        seed,
        tools,
        tool_choice: "required" as const,
        parallel_tool_calls: false,
      };
      const whole = await client.chat.completions.create(request);
      const [choice] = whole.choices;
      assert.equal(choice?.finish_reason, "tool_calls");
      assert.equal(choice.message.content, null);
      const calls = choice.message.tool_calls ?? [];
      assert.equal(calls.length, 1);
      const [call] = calls;
      assert.ok(call?.type === "function");
      assert.match(call.id, /^[A-Za-z0-9]{9}$/);
      checkCall(call.function);
      const stream = client.chat.completions.stream(request);
      const streamed = await stream.finalChatCompletion();
      const [again] = streamed.choices[0]?.message.tool_calls ?? [];
      assert.ok(again?.type === "function");
      assert.equal(again.function.name, call.function.name);
      assert.equal(again.function.arguments, call.function.arguments);
      assert.equal(streamed.choices[0]?.finish_reason, "tool_calls");
    }
  });

  test(`${form}: the named function is called, and its answer goes back to the model`, async () => {
    const client = clientOf(form);
    const whole = await client.chat.completions.create({
      ...base,
      tools,
      tool_choice: { type: "function", function: { name: "clock" } },
    });
    const message = whole.choices[0]?.message;
    assert.ok(message !== undefined);
    const [call, ...others] = message.tool_calls ?? [];
    assert.deepEqual(others, []);
    assert.ok(call?.type === "function");
    assert.equal(call.function.name, "clock");
    assert.equal(call.function.arguments, "{}");
    const next = await client.chat.completions.create({
      ...base,
      tools,
      max_completion_tokens: 5,
      messages: [user, message, { role: "tool", tool_call_id: call.id, content: "noon" }],
    });
    assert.ok((next.usage?.prompt_tokens ?? 0) > (whole.usage?.prompt_tokens ?? 0));
  });

  test(`${form}: where calls may be made, text is text and a call is well-formed`, async () => {
    const client = clientOf(form);
    for (const seed of isLong ? [1, 2] : [2]) {
      const request = { ...base, seed, tools: [clock], max_completion_tokens: 40 };
      const whole = await client.chat.completions.create(request);
      const [choice] = whole.choices;
      assert.ok(choice !== undefined);
      const calls = choice.message.tool_calls ?? [];
      assert.equal(choice.finish_reason === "tool_calls", calls.length > 0);
      assert.ok(calls.length > 0 || typeof choice.message.content === "string");
    }
  });
}

test("Several calls at once have their own indices, whole and streamed alike", async () => {
  for (const form of ["hermes", "mistral", "llama3"] as const) {
    const client = clientOf(form);
    let most = 0;
    const likelier = await tokenOf(form, form === "llama3" ? ";" : form === "hermes" ? "\n" : ",");
    for (const seed of [0, 1]) {
      const request = {
        ...base,
        seed,
        tools: [clock],
        tool_choice: "required" as const,
        max_completion_tokens: 160,
        logit_bias: { [likelier]: 30 },
      };
      const whole = await client.chat.completions.create(request);
      const calls = whole.choices[0]?.message.tool_calls ?? [];
      most = Math.max(most, calls.length);
      // Cut off in one of many calls, as ending the list was made so unlikely.
      assert.match(whole.choices[0]?.finish_reason ?? "", /^(length|tool_calls)$/);
      assert.equal(new Set(calls.map(({ id }) => id)).size, calls.length);
      const indices: number[] = [];
      const stream = await client.chat.completions.create({ ...request, stream: true });
      for await (const { choices: [choice] } of stream) {
        for (const { index, id } of choice?.delta.tool_calls ?? []) {
          if (id !== undefined) indices.push(index);
        }
      }
      assert.deepEqual(indices, calls.map((_, at) => at));
    }
    assert.ok(most > 1, `${form} never made more than one call`);
  }
});

test("An answer that must be JSON is, whole and streamed, and of its schema", async () => {
  const client = clientOf("hermes");
  const schema = weather.function.parameters;
  for (const seed of isLong ? [1, 2, 3, 4] : [1, 2]) {
    const request = {
      ...base,
      seed,
      response_format: {
        type: "json_schema" as const,
        json_schema: { name: "w", strict: true, schema },
      },
    };
    const whole = await client.chat.completions.create(request);
    assert.equal(whole.choices[0]?.finish_reason, "stop");
    const text = whole.choices[0]?.message.content ?? "";
    checkCall({ name: "weather", arguments: text });
    const stream = client.chat.completions.stream(request);
    assert.equal((await stream.finalContent()) ?? "", text);
  }
  const parsed = await client.chat.completions.parse({
    ...base,
    n: 2,
    logprobs: true,
    response_format: { type: "json_schema", json_schema: { name: "w", strict: true, schema } },
  });
  for (const choice of parsed.choices) {
    const listed = choice.logprobs?.content ?? [];
    const bytes = listed.flatMap((token) => token.bytes ?? []);
    assert.equal(new TextDecoder().decode(Uint8Array.from(bytes)), choice.message.content);
  }
});

test("json_object gives an object, as far as it came", async () => {
  const client = clientOf("hermes");
  const answer = await client.chat.completions.create({
    ...base,
    max_completion_tokens: 50,
    response_format: { type: "json_object" },
  });
  assert.match(answer.choices[0]?.message.content ?? "", /^\{["}]/);
});

test("A grammar is held to, in chats and completions", async () => {
  const client = clientOf("hermes");
  const grammar = 'root ::= "yes, " ("or" | "and") " no" [!?]{1,3}';
  const pattern = /^yes, (or|and) no[!?]{1,3}$/;
  for (const seed of isLong ? [1, 2, 3] : [1]) {
    const chat = await client.chat.completions.create(
      { ...base, seed, grammar } as OpenAI.ChatCompletionCreateParamsNonStreaming,
    );
    assert.match(chat.choices[0]?.message.content ?? "", pattern);
    assert.equal(chat.choices[0]?.finish_reason, "stop");
    const completion = await client.completions.create(
      {
        model: "random",
        prompt: "x",
        max_tokens: 60,
        seed,
        grammar,
      } as OpenAI.CompletionCreateParamsNonStreaming,
    );
    assert.match(completion.choices[0]?.text ?? "", pattern);
  }
});

test("What cannot be held to is 400 with its field and reason, before anything is computed", async () => {
  const client = clientOf("hermes");
  const schema = { type: "array", items: {}, uniqueItems: true };
  const cases: readonly (readonly [object, string, string, RegExp])[] = [
    [
      { response_format: { type: "json_schema", json_schema: { name: "x", schema } } },
      "response_format",
      "grammar_unsupported",
      /at "\/uniqueItems"/,
    ],
    [
      { response_format: { type: "json_schema", json_schema: { name: "x", schema: false } } },
      "response_format",
      "grammar_unsatisfiable",
      /no value fits false/,
    ],
    [{ grammar: "root ::= [" }, "grammar", "grammar_syntax", /line 1, column/],
    [{ grammar: 'root ::= "a" root' }, "grammar", "grammar_unsatisfiable", /no text fits/],
    [
      { tools: [{ type: "function", function: { name: "f", strict: true, parameters: schema } }] },
      "tools",
      "grammar_unsupported",
      /at "\/uniqueItems" .*, in the parameters of "f"$/,
    ],
  ];
  const node = started.get("hermes")?.node;
  const before = await node?.metric("skep_inference_prompt_tokens_total");
  for (const [change, param, code, message] of cases) {
    const request = { ...base, ...change } as OpenAI.ChatCompletionCreateParamsNonStreaming;
    await assert.rejects(client.chat.completions.create(request), (thrown: unknown) => {
      assert.ok(thrown instanceof OpenAI.BadRequestError, String(thrown));
      assert.equal(thrown.param, param);
      assert.equal(thrown.code, code);
      assert.match(thrown.message, message);
      return true;
    });
  }
  assert.equal(await node?.metric("skep_inference_prompt_tokens_total"), before);
});

test("A function that is not strict and cannot be held to is called with any object", async () => {
  const client = clientOf("hermes");
  const parameters = { type: "object", patternProperties: { a: {} } };
  const tool = { type: "function" as const, function: { name: "f", parameters } };
  const answer = await client.chat.completions.create({
    ...base,
    max_completion_tokens: 60,
    tools: [tool],
    tool_choice: "required",
  });
  const [call] = answer.choices[0]?.message.tool_calls ?? [];
  assert.ok(call?.type === "function");
  assert.match(call.function.arguments, /^\{/);
});
