import assert from "node:assert/strict";
import { test } from "node:test";
import { toolFormat } from "../../src/model/mod.ts";

test("toolFormat() tells the form from the marks of a template", () => {
  const cases: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ["{{ messages[0].content }}", undefined],
    ["{% if tools %}<tool_call>{% endif %}", "hermes"],
    ["{% if tools %}[AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]", "mistral"],
    ["{% for tool in tools %}<|tool|>{% endfor %}<|tool_call|>", "phi"],
    ["{% if tools is not none %}Environment: ipython{% endif %}<|python_tag|>", "llama3"],
    ['{{ tools }} Respond as {"name": function, "parameters": dictionary}', "llama3"],
    ["{{ tools | tojson }}", "json"],
  ];
  for (const [template, name] of cases) assert.equal(toolFormat(template)?.name, name);
});
