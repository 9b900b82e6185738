// Goal: no documented field is forgotten, ignored or guessed at. Method: the field names are parsed
// from the type declarations of the installed official client, and each one must be in the table
// with a value that is taken and, where any is refused, a value whose refusal names it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ApiError } from "../../../src/services/api/api_error.ts";
import { chatFields } from "../../../src/services/api/chat_fields.ts";
import { completionFields } from "../../../src/services/api/completion_fields.ts";
import { embeddingFields } from "../../../src/services/api/embedding_fields.ts";
import { readFields } from "../../../src/services/api/fields.ts";
import type { Fields } from "../../../src/services/api/fields.ts";
import { translateChat, translateCompletion } from "../../../src/services/api/translate.ts";

/** Property names of an interface, without those of nested types. */
function documentedFields(file: string, interfaceName: string): string[] {
  const path = createRequire(import.meta.url).resolve(`openai/resources/${file}`);
  const text = readFileSync(path.replace(/\.m?js$/, ".d.ts"), "utf8");
  const start = text.indexOf(`export interface ${interfaceName} {`);
  assert.ok(start >= 0, `${interfaceName} is not declared in ${path}`);
  const body = text.slice(start, text.indexOf("\n}", start));
  return [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map((match) => match[1] ?? "");
}

interface Samples {
  readonly taken: readonly unknown[];
  /** [value, the field at fault when it is not the field itself] */
  readonly refused: readonly (readonly [unknown, string?])[];
}

const user = { role: "user", content: "hi" };
const call = { id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } };
const weather = { type: "function", function: { name: "weather", parameters: { type: "object" } } };
const anyType = [{}, [], "x", -1, true, 1.5] as const;

function refusedAll(...values: readonly unknown[]): (readonly [unknown, string?])[] {
  return values.map((value) => [value] as const);
}

const sampling: Record<string, Samples> = {
  model: { taken: ["m"], refused: refusedAll(1, [], "x".repeat(257)) },
  temperature: { taken: [0, 2, 0.7], refused: refusedAll(-0.1, 2.1, "1", [], {}, true) },
  top_p: { taken: [0, 1], refused: refusedAll(-0.1, 1.1, "1") },
  frequency_penalty: { taken: [-2, 0, 2], refused: refusedAll(-2.1, 2.1, "0") },
  presence_penalty: { taken: [-2, 0, 2], refused: refusedAll(-2.1, 2.1, "0") },
  logit_bias: {
    taken: [{}, { "5": -100, "12": 100 }],
    refused: [[[]], [{ "5": 101 }, "logit_bias.5"], [{ x: 1 }, "logit_bias.x"], ["a"]],
  },
  seed: { taken: [0, 7, 2 ** 53 - 1], refused: refusedAll(-1, 1.5, 2 ** 53, "7", {}) },
  stop: {
    taken: ["a", [], ["a", "b"], Array.from({ length: 16 }, (_, i) => `s${i}`)],
    refused: [
      [""],
      [5],
      [[""], "stop[0]"],
      [["a", 5], "stop[1]"],
      [["\ud83d"], "stop[0]"],
      [Array.from({ length: 17 }, () => "s")],
    ],
  },
  stream: { taken: [true, false], refused: refusedAll("true", 1) },
  stream_options: {
    taken: [{}, { include_usage: true }, { include_usage: null, include_obfuscation: false }],
    refused: [
      [true],
      [[]],
      [{ include_usage: 1 }, "stream_options.include_usage"],
      [{ include_obfuscation: true }, "stream_options.include_obfuscation"],
      [{ x: 1 }, "stream_options.x"],
    ],
  },
  grammar: { taken: ['root ::= "a"'], refused: refusedAll(5, {}, "x".repeat(65_537)) },
  n: { taken: [1, 2, 16], refused: refusedAll(0, 17, "1") },
  user: { taken: ["u"], refused: refusedAll(5, { name: "x" }, "x".repeat(513)) },
  top_k: { taken: [0, 40], refused: refusedAll(-1, 0.5, "4") },
  min_p: { taken: [0, 0.05, 1], refused: refusedAll(-1, 1.1) },
  repeat_penalty: { taken: [1, 1.1], refused: refusedAll(0, 11, "1") },
};

const chat: Record<string, Samples> = {
  ...sampling,
  messages: {
    taken: [
      [user],
      [{ role: "developer", content: "be kind" }, user],
      [user, { role: "assistant", content: "yes", refusal: null, tool_calls: [] }, user],
      [{ role: "user", content: [{ type: "text", text: "a" }, { type: "text", text: "b" }] }],
      [user, { role: "tool", content: "7", tool_call_id: "call_1" }],
      [user, { role: "assistant", content: null, tool_calls: [call] }],
      [user, { role: "assistant", tool_calls: [{ ...call, index: 0 }] }],
      [{ role: "user", content: "hi", name: "Ann" }],
    ],
    refused: [
      [[]],
      ["hi"],
      [[{ role: "robot", content: "x" }], "messages[0].role"],
      [[{ role: "user" }], "messages[0].content"],
      [[{ content: "x" }], "messages[0].role"],
      [[user, { role: "user", content: 5 }], "messages[1].content"],
      [[{ role: "user", content: [] }], "messages[0].content"],
      [
        [{ role: "user", content: [{ type: "image_url", image_url: { url: "x" } }] }],
        "messages[0].content[0].type",
      ],
      [
        [{ role: "assistant", content: "x", tool_calls: [{ ...call, type: "custom" }] }],
        "messages[0].tool_calls[0].type",
      ],
      [
        [{ role: "assistant", tool_calls: [{ ...call, function: { name: "f" } }] }],
        "messages[0].tool_calls[0].function.arguments",
      ],
      [[{ role: "assistant", content: null }], "messages[0].content"],
      [[{ role: "user", content: "x", tool_calls: [call] }], "messages[0].tool_calls"],
      [
        [{ role: "assistant", content: "x", function_call: { name: "f" } }],
        "messages[0].function_call",
      ],
      [[{ role: "user", content: "x", mood: "good" }], "messages[0].mood"],
    ],
  },
  max_completion_tokens: { taken: [1, 100], refused: refusedAll(0, -1, 1.5, "9") },
  max_tokens: { taken: [1, 100], refused: refusedAll(0, -1, 1.5, "9") },
  metadata: { taken: [{}, { a: "b" }], refused: [["x"], [[]], [{ a: 1 }, "metadata.a"]] },
  prompt_cache_key: { taken: ["k"], refused: refusedAll(5) },
  safety_identifier: { taken: ["k"], refused: refusedAll(5) },
  prompt_cache_options: {
    taken: [{}, { mode: "implicit" }, { mode: "explicit" }],
    refused: [[{ ttl: "30m" }, "prompt_cache_options.ttl"], ["x"]],
  },
  prompt_cache_retention: { taken: ["in_memory", "24h"], refused: refusedAll("48h", 5) },
  audio: { taken: [], refused: refusedAll(...anyType) },
  function_call: { taken: ["none", "auto"], refused: refusedAll({ name: "f" }, "x") },
  functions: { taken: [[]], refused: refusedAll([{ name: "f" }], "x") },
  logprobs: { taken: [true, false], refused: refusedAll("true", 5) },
  top_logprobs: { taken: [0], refused: refusedAll(5, -1, 21, 0.5) },
  modalities: { taken: [["text"]], refused: refusedAll(["text", "audio"], [], "text") },
  moderation: { taken: [], refused: refusedAll({ model: "x" }, ...anyType) },
  parallel_tool_calls: { taken: [true, false], refused: refusedAll("x", 1) },
  prediction: { taken: [], refused: refusedAll({ type: "content", content: "x" }) },
  reasoning_effort: { taken: ["none"], refused: refusedAll("low", "high", "minimal") },
  response_format: {
    taken: [
      { type: "text" },
      { type: "json_object" },
      { type: "json_schema", json_schema: { name: "n", schema: { type: "object" } } },
      { type: "json_schema", json_schema: { name: "n", strict: true, schema: {} } },
    ],
    refused: [
      ["text"],
      [{ type: "xml" }, "response_format.type"],
      [{ type: "json_schema" }, "response_format.json_schema"],
      [
        { type: "json_schema", json_schema: { name: "n", schema: {}, x: 1 } },
        "response_format.json_schema.x",
      ],
      [{ type: "json_schema", json_schema: { name: "n" } }, "response_format.json_schema.schema"],
      [
        { type: "json_schema", json_schema: { name: "n", schema: null } },
        "response_format.json_schema.schema",
      ],
      [{ type: "json_object", schema: {} }, "response_format.schema"],
    ],
  },
  service_tier: { taken: ["auto", "default"], refused: refusedAll("flex", "priority") },
  store: { taken: [false], refused: refusedAll(true) },
  tool_choice: {
    taken: ["none", "auto"],
    refused: [
      ["required"],
      ["any"],
      [{ type: "function" }, "tool_choice.function"],
      [{ type: "function", function: { name: "f" } }],
      [{ type: "allowed_tools" }, "tool_choice.type"],
    ],
  },
  tools: {
    taken: [[], [weather], [{ ...weather, function: { name: "f", strict: true } }]],
    refused: [
      ["x"],
      [[weather, weather]],
      [[{ type: "custom", custom: { name: "f" } }], "tools[0].type"],
      [[{ type: "function" }], "tools[0].function"],
      [[{ type: "function", function: { name: "a b" } }], "tools[0].function.name"],
      [
        [{ type: "function", function: { name: "f", parameters: [] } }],
        "tools[0].function.parameters",
      ],
    ],
  },
  verbosity: { taken: ["medium"], refused: refusedAll("low", "high") },
  web_search_options: { taken: [], refused: refusedAll({}) },
};

const completion: Record<string, Samples> = {
  ...sampling,
  prompt: {
    taken: ["a", "", ["a"], [1, 2], [[1, 2]]],
    refused: [[["a", "b"]], [[[1], [2]]], [5], [[]], [[1, -1], "prompt[1]"], [{}]],
  },
  max_tokens: { taken: [0, 16], refused: refusedAll(-1, 1.5, "9") },
  echo: { taken: [true, false], refused: refusedAll("x") },
  best_of: { taken: [1], refused: refusedAll(2, 0) },
  logprobs: { taken: [0, 5, 20], refused: refusedAll(-1, 21, true) },
  suffix: { taken: [""], refused: refusedAll("x") },
};

const embedding: Record<string, Samples> = {
  model: { taken: ["m"], refused: refusedAll(1, []) },
  input: {
    taken: ["a", ["a", "b"], [1, 2], [[1], [2, 3]], ["a", [1]]],
    refused: refusedAll("", [], [""], [[]], 5, {}, [1, "a"], [1.5], [[-1]], Array(2049).fill("a")),
  },
  encoding_format: { taken: ["float", "base64"], refused: refusedAll("hex", 1) },
  dimensions: { taken: [1, 64], refused: refusedAll(0, 1.5, "64") },
  user: { taken: ["u"], refused: refusedAll(5) },
};

const tables = [
  {
    name: "chat completions",
    fields: chatFields as Fields,
    samples: chat,
    documented: documentedFields(
      "chat/completions/completions.js",
      "ChatCompletionCreateParamsBase",
    ),
    translate: translateChat,
    base: { model: "m", messages: [user] } as Record<string, unknown>,
  },
  {
    name: "completions",
    fields: completionFields as Fields,
    samples: completion,
    documented: documentedFields("completions.js", "CompletionCreateParamsBase"),
    translate: translateCompletion,
    base: { model: "m", prompt: "p" } as Record<string, unknown>,
  },
  {
    name: "embeddings",
    fields: embeddingFields as Fields,
    samples: embedding,
    documented: documentedFields("embeddings.js", "EmbeddingCreateParams"),
    translate: (body: unknown): unknown => readFields(embeddingFields, body),
    base: { model: "m", input: "p" } as Record<string, unknown>,
  },
];

function refusalOf(run: () => unknown): ApiError {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof ApiError, String(thrown));
    return thrown;
  }
  assert.fail("expected a refusal");
}

for (const { name, fields, samples, documented, translate, base } of tables) {
  test(`${name}: every field that OpenAI documents is in the table, and nothing else but extensions`, () => {
    assert.ok(documented.length >= 5, `only ${documented.length} fields were found`);
    const extensions = Object.keys(fields).filter((key) => fields[key]?.use === "extension").sort();
    const known = ["grammar", "min_p", "repeat_penalty", "top_k"];
    assert.deepEqual(extensions, name === "embeddings" ? [] : known);
    assert.deepEqual(Object.keys(fields).sort(), [...documented, ...extensions].sort());
    assert.deepEqual(Object.keys(samples).sort(), Object.keys(fields).sort());
  });

  for (const [field, { taken, refused }] of Object.entries(samples)) {
    test(`${name}: "${field}" is taken, or refused by name`, () => {
      for (const value of taken) translate({ ...base, [field]: value });
      if (fields[field]?.required !== true) translate({ ...base, [field]: null });
      assert.ok(refused.length > 0);
      for (const [value, param] of refused) {
        const error = refusalOf(() => translate({ ...base, [field]: value }));
        assert.equal(error.status, 400);
        assert.equal(error.param, param ?? field, JSON.stringify(value));
        assert.match(error.message, /^Cannot use '[^']+' as .+: current value is /);
      }
    });
  }

  test(`${name}: an unknown field is refused by name`, () => {
    const error = refusalOf(() => translate({ ...base, chat_id: "x" }));
    assert.equal(error.param, "chat_id");
    assert.equal(error.code, "unknown_parameter");
  });

  test(`${name}: a missing required field is refused by name`, () => {
    for (const field of Object.keys(base)) {
      const { [field]: _, ...rest } = base;
      assert.equal(refusalOf(() => translate(rest)).param, field);
    }
  });
}

test("translateChat() takes max_tokens and max_completion_tokens together only when they agree", () => {
  const base = { model: "m", messages: [user] };
  const both = translateChat({ ...base, max_tokens: 5, max_completion_tokens: 5 });
  assert.equal(both.params.maxTokens, 5);
  const error = refusalOf(() =>
    translateChat({ ...base, max_tokens: 5, max_completion_tokens: 6 })
  );
  assert.equal(error.param, "max_tokens");
});

test("Log-probabilities are asked for by logprobs, and refused where they cannot be had", () => {
  const base = { model: "m", messages: [user] };
  assert.equal(translateChat(base).params.topLogprobs, undefined);
  assert.equal(translateChat({ ...base, logprobs: true }).params.topLogprobs, 0);
  const asked = translateChat({ ...base, logprobs: true, top_logprobs: 20 });
  assert.equal(asked.params.topLogprobs, 20);
  const alone = refusalOf(() => translateChat({ ...base, top_logprobs: 1 }));
  assert.equal(alone.param, "top_logprobs");
  const echoed = { model: "m", prompt: "p", logprobs: 0, echo: true };
  assert.equal(refusalOf(() => translateCompletion(echoed)).param, "logprobs");
});

test("Tools are called as tool_choice says, and cannot go with another form of the answer", () => {
  const base = { model: "m", messages: [user], tools: [weather] };
  const choose = (tool_choice: unknown): unknown =>
    translateChat({ ...base, tool_choice }).params.toolCalls;
  assert.deepEqual(choose(undefined), { choice: "auto", parallel: true });
  assert.deepEqual(choose("required"), { choice: "required", parallel: true });
  const named = { type: "function", function: { name: "weather" } };
  assert.deepEqual(choose(named), { choice: "required", name: "weather", parallel: false });
  assert.equal(choose("none"), undefined);
  const { params } = translateChat({ ...base, tool_choice: "none" });
  assert.deepEqual(params.prompt.kind === "chat" && params.prompt.tools, []);
  const other = { type: "function", function: { name: "other" } };
  assert.equal(refusalOf(() => choose(other)).param, "tool_choice");
  const format = { response_format: { type: "json_object" } };
  assert.equal(refusalOf(() => translateChat({ ...base, ...format })).param, "response_format");
  assert.equal(refusalOf(() => translateChat({ ...base, grammar: "x" })).param, "grammar");
  const both = { model: "m", messages: [user], grammar: "x", ...format };
  assert.equal(refusalOf(() => translateChat(both)).param, "grammar");
});

test("translateChat() passes every honoured field on", () => {
  const { params, stream, includeUsage } = translateChat({
    model: "m",
    messages: [{ role: "developer", content: "d" }, {
      role: "user",
      content: [{ type: "text", text: "a" }, { type: "text", text: "b" }],
      name: "Ann",
    }],
    max_completion_tokens: 9,
    temperature: 0.5,
    top_p: 0.9,
    top_k: 5,
    min_p: 0.1,
    repeat_penalty: 1.5,
    frequency_penalty: 0.25,
    presence_penalty: -1,
    logit_bias: { "3": 7 },
    seed: 11,
    stop: "x",
    stream: true,
    stream_options: { include_usage: true },
  });
  assert.deepEqual(params, {
    model: "m",
    prompt: {
      kind: "chat",
      messages: [{ role: "system", content: "d" }, { role: "user", content: "ab", name: "Ann" }],
      tools: [],
    },
    maxTokens: 9,
    stop: ["x"],
    seed: 11,
    sampling: {
      temperature: 0.5,
      topP: 0.9,
      topK: 5,
      minP: 0.1,
      repeatPenalty: 1.5,
      frequencyPenalty: 0.25,
      presencePenalty: -1,
      logitBias: { "3": 7 },
    },
  });
  assert.equal(stream, true);
  assert.equal(includeUsage, true);
});

test("translateCompletion() has OpenAI's default of 16 tokens, and takes a null prompt as none", () => {
  const { params } = translateCompletion({ model: "m", prompt: null });
  assert.equal(params.maxTokens, 16);
  assert.deepEqual(params.prompt, { kind: "text", text: "" });
});

test("A value that is nested too deeply to be shown is refused like any other", () => {
  const deep: unknown = JSON.parse("[".repeat(100_000) + "]".repeat(100_000));
  const error = refusalOf(() => translateChat({ model: deep, messages: [user] }));
  assert.equal(error.param, "model");
  assert.equal(refusalOf(() => translateChat({ model: "m", messages: deep })).status, 400);
});

test("What is refused is shown as it was sent, and cut", () => {
  const huge = refusalOf(() =>
    translateChat({ model: "m", messages: [user], ["k".repeat(5000)]: 1 })
  );
  assert.ok(JSON.stringify(huge.body).length < 500);
  const infinite = JSON.parse(`{"model":"m","messages":[],"temperature":1e400}`);
  const error = refusalOf(() => translateChat({ ...infinite, messages: [user] }));
  assert.match(error.message, /current value is Infinity$/);
});

test("Keys that objects inherit are refused like any other", () => {
  for (const key of ["__proto__", "constructor", "toString"]) {
    const text = `{"model":"m","messages":[{"role":"user","content":"x"}],"${key}":{"a":1}}`;
    assert.equal(refusalOf(() => translateChat(JSON.parse(text))).param, key);
    const bias =
      `{"model":"m","messages":[{"role":"user","content":"x"}],"logit_bias":{"${key}":1}}`;
    assert.match(refusalOf(() => translateChat(JSON.parse(bias))).param ?? "", /^logit_bias/);
  }
});

test("Large arrays are refused by their length or their first fault, without looking at the rest", () => {
  let looked = 0;
  const watched = {
    get role(): string {
      looked++;
      return "nobody";
    },
    toJSON: (): number => 0,
  };
  const many: unknown[] = new Array(100_000).fill(watched);
  refusalOf(() => translateChat({ model: "m", messages: many }));
  assert.equal(looked, 0);
  refusalOf(() => translateChat({ model: "m", messages: many.slice(0, 4000) }));
  assert.ok(looked < 10, `${looked} messages were looked at`);
  const prompt = [1, 2, "3", null];
  assert.equal(refusalOf(() => translateCompletion({ model: "m", prompt })).param, "prompt[2]");
});
