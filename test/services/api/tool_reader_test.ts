// Goal: calls are read the same wherever the text is cut. Method: texts as models of each form write
// them, in random pieces.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { toolFormat } from "../../../src/model/mod.ts";
import { ToolReader } from "../../../src/services/api/tool_reader.ts";
import { templates } from "../template_models.ts";

interface Read {
  readonly text: string;
  readonly calls: readonly { readonly name: string; readonly arguments: string }[];
}

/** Reads a text in pieces that end at the given places. */
function read(template: string, text: string, cuts: readonly number[] = []): Read {
  const format = toolFormat(template);
  assert.ok(format !== undefined);
  let ids = 0;
  const reader = new ToolReader(format, () => `id${ids++}`);
  const ends = [...cuts.map((cut) => cut % (text.length + 1)), text.length].sort((a, b) => a - b);
  let from = 0;
  const parts = ends.flatMap((to) => {
    const given = reader.push(text.slice(from, to));
    from = to;
    return given;
  });
  parts.push(...reader.flush());
  let content = "";
  const calls: { name: string; arguments: string }[] = [];
  for (const part of parts) {
    if (part.kind === "text") content += part.text;
    else if (part.kind === "call") {
      assert.equal(part.index, calls.length);
      assert.equal(part.id, `id${part.index}`);
      calls.push({ name: part.name, arguments: "" });
    } else {
      const call = calls[part.index];
      assert.ok(call !== undefined);
      call.arguments += part.text;
    }
  }
  assert.equal(reader.callCount, calls.length);
  return { text: content, calls };
}

const given = '{"a":"} \\" ] <tool_call>","b":[1,{"c":{}}]}';
const f = { name: "f", arguments: given };
const g = { name: "g.h-1", arguments: "{}" };

const cases: readonly (readonly [keyof typeof templates, string, Read])[] = [
  ["hermes", "plain <tool text", { text: "plain <tool text", calls: [] }],
  [
    "hermes",
    `I will.\n<tool_call>\n{"name": "f", "arguments": ${given}}\n</tool_call>\n<tool_call>\n{"name": "g.h-1", "arguments": {}}\n</tool_call>`,
    { text: "I will.\n", calls: [f, g] },
  ],
  [
    "mistral",
    `[TOOL_CALLS][{"name": "f", "arguments": ${given}}, {"name": "g.h-1", "arguments": {}}]`,
    { text: "", calls: [f, g] },
  ],
  [
    "mistral-args",
    `so[TOOL_CALLS]f[ARGS]${given}[TOOL_CALLS]g.h-1[ARGS]{}`,
    { text: "so", calls: [f, g] },
  ],
  [
    "phi",
    `x<|tool_call|>[{"name": "f", "arguments": ${given}}]<|/tool_call|>`,
    { text: "x", calls: [f] },
  ],
  [
    "llama3",
    `{"name": "f", "parameters": ${given}}; {"name": "g.h-1", "parameters": {}}`,
    { text: "", calls: [f, g] },
  ],
  ["llama3", '{"nam', { text: '{"nam', calls: [] }],
  ["llama3", '{"title": 1}', { text: '{"title": 1}', calls: [] }],
  ["json", `so {"name": "f"}`, { text: `so {"name": "f"}`, calls: [] }],
  ["json", `{"name": "f", "arguments": ${given}}`, { text: "", calls: [f] }],
  ["hermes", '<tool_call>\n{"name": "f", "arguments": {"a":', {
    text: "",
    calls: [{ name: "f", arguments: '{"a":' }],
  }],
];

test("Calls and text are read apart, wherever the text is cut", () => {
  for (const [form, text, expected] of cases) {
    assert.deepEqual(read(templates[form], text), expected, text);
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 12 }), (cuts) => {
        assert.deepEqual(read(templates[form], text, cuts), expected);
      }),
      { numRuns: 40 },
    );
  }
});
