// Goal: answers that may call tools are text, or calls in the family's form, or text and then calls,
// and nothing else. Method: texts, byte by byte, through the grammars of all forms.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compileGrammar, GrammarError, vocabularyTree } from "../../../src/grammar/mod.ts";
import type { Matcher } from "../../../src/grammar/mod.ts";
import { toolFormat } from "../../../src/model/mod.ts";
import type { Tool } from "../../../src/services/inference/mod.ts";
import { toolGrammar } from "../../../src/services/inference/tool_grammar.ts";
import { templates } from "../template_models.ts";

const vocabulary = vocabularyTree({
  size: 258,
  tokenBytes: (id) => id < 256 ? Uint8Array.of(id) : new Uint8Array(0),
  endTokens: [257],
});

const sum: Tool = {
  name: "sum",
  strict: false,
  parameters: {
    type: "object",
    properties: { a: { type: "integer" }, b: { type: "integer" } },
    required: ["a"],
  },
};
const now: Tool = { name: "now", strict: false };

interface Asked {
  readonly form: keyof typeof templates;
  readonly required?: boolean;
  readonly parallel?: boolean;
  readonly tools?: readonly Tool[];
}

function start({ form, required = false, parallel = true, tools = [sum, now] }: Asked): Matcher {
  const format = toolFormat(templates[form]);
  assert.ok(format !== undefined);
  const grammar = toolGrammar({ format, tools, required, parallel });
  return compileGrammar(grammar, { vocabulary }).matcher();
}

/** Whether the whole text fits. */
function fits(text: string, asked: Asked): boolean {
  const matcher = start(asked);
  try {
    for (const byte of new TextEncoder().encode(text)) matcher.accept(byte);
  } catch (thrown) {
    if (thrown instanceof RangeError) return false;
    throw thrown;
  }
  return matcher.mayEnd;
}

const one = '<tool_call>\n{"name": "sum", "arguments": {"a":1,"b":-2}}\n</tool_call>';
const two = '<tool_call>\n{"name": "now", "arguments": {}}\n</tool_call>';

test("With a trigger, text is free up to it, and calls go to the end", () => {
  const form = "hermes";
  for (const text of ["", "hi", "<tool", "<<tool_call", "a <tool_call b", "<tool_<tool_cal\n"]) {
    assert.equal(fits(text, { form }), true, text);
    assert.equal(fits(text + one, { form }), true, text);
    assert.equal(fits(`${text}${one}\n${two}`, { form }), true, text);
    assert.equal(fits(`${one}${text}x`, { form }), false, text);
  }
  assert.equal(fits("<tool_call>", { form }), false);
  assert.equal(fits('<tool_call>\n{"name": "other"', { form }), false);
  assert.equal(fits(one.replace('{"a":1,"b":-2}', '{"b":1}'), { form }), false);
  assert.equal(fits(two.replace("{}", '{"x":1}'), { form }), false);
  assert.equal(fits("hi", { form, required: true }), false);
  assert.equal(fits(one, { form, required: true }), true);
  assert.equal(fits(`${one}\n${two}`, { form, required: true, parallel: false }), false);
});

test("Without a trigger, an answer is a call when it begins as one", () => {
  const call = '{"name": "sum", "parameters": {"a":7}}';
  for (const text of ["", "hi", '{"nam', '{"name":1}', ' {"name": "', '{"names": "x"}']) {
    assert.equal(fits(text, { form: "llama3" }), true, text);
  }
  assert.equal(fits(call, { form: "llama3" }), true);
  assert.equal(fits(`${call}; ${call}`, { form: "llama3" }), true);
  assert.equal(fits(`${call} and`, { form: "llama3" }), false);
  assert.equal(fits('{"name": "other', { form: "llama3" }), false);
  assert.equal(fits('{"name": "sum", "arguments": {"a":7}}', { form: "json" }), true);
});

test("Lists of calls are closed", () => {
  const calls = '{"name": "now", "arguments": {}}, {"name": "sum", "arguments": {"a":0}}';
  assert.equal(fits(`[TOOL_CALLS][${calls}]`, { form: "mistral", required: true }), true);
  assert.equal(fits(`[TOOL_CALLS][${calls}`, { form: "mistral", required: true }), false);
  const args = '[TOOL_CALLS]now[ARGS]{}[TOOL_CALLS]sum[ARGS]{"a":0}';
  assert.equal(fits(args, { form: "mistral-args", required: true }), true);
  assert.equal(fits(`well ${args}`, { form: "mistral-args" }), true);
  assert.equal(fits(`${args} `, { form: "mistral-args" }), false);
  assert.equal(fits(`well <|tool_call|>[${calls}]<|/tool_call|>`, { form: "phi" }), true);
});

test("Functions have schemas of their own, whose definitions do not meet", () => {
  const ref = (type: string): unknown => ({
    type: "object",
    properties: { x: { $ref: "#/$defs/x" } },
    required: ["x"],
    $defs: { x: { type } },
  });
  const tools: Tool[] = [
    { name: "f", strict: true, parameters: ref("null") },
    { name: "g", strict: true, parameters: ref("boolean") },
  ];
  const asked = { form: "json", tools, required: true } as const;
  assert.equal(fits('{"name": "f", "arguments": {"x":null}}', asked), true);
  assert.equal(fits('{"name": "g", "arguments": {"x":null}}', asked), false);
  assert.equal(fits('{"name": "g", "arguments": {"x":true}}', asked), true);
});

test("A schema that cannot be held to is refused for a strict function, and else is any object", () => {
  const parameters = { type: "object", properties: { a: { not: {} } } };
  const strict = { name: "f", strict: true, parameters };
  assert.throws(
    () => start({ form: "json", tools: [strict] }),
    (thrown) => thrown instanceof GrammarError && thrown.path === "/properties/a/not",
  );
  const tools = [{ ...strict, strict: false }];
  const asked = { form: "json", tools, required: true } as const;
  assert.equal(fits('{"name": "f", "arguments": {"a":[1,{}]}}', asked), true);
  assert.equal(fits('{"name": "f", "arguments": 1}', asked), false);
});
