import assert from "node:assert/strict";
import { test } from "node:test";
import { renderChat, toolFormat } from "../../src/model/mod.ts";

test("toolFormat() tells the form from the marks of a template", () => {
  const cases: readonly (readonly [string | undefined, string | undefined])[] = [
    [undefined, undefined],
    ["{{ messages[0].content }}", undefined],
    ["{% if tools %}<tool_call>{% endif %}", "hermes"],
    ["{% if tools %}[AVAILABLE_TOOLS]{% endif %}[TOOL_CALLS]", "mistral"],
    ["{{ tools }}[TOOL_CALLS]{{ name }}[ARGS]{{ arguments }}", "mistral-args"],
    ["{% for tool in tools %}<|tool|>{% endfor %}<|tool_call|>", "phi"],
    ["{{ '<|tool|>' + message['tools'] + '<|/tool|>' }}", "phi"],
    ["{% if tools is not none %}Environment: ipython{% endif %}<|python_tag|>", "llama3"],
    ['{{ tools }} Respond as {"name": function, "parameters": dictionary}', "llama3"],
    ["{{ tools | tojson }}", "json"],
  ];
  for (const [template, name] of cases) assert.equal(toolFormat(template)?.name, name);
});

test("Tools are text in the system message for templates that look for them there", () => {
  const template = "{% for message in messages %}{{ message.role }}:{{ message.content }}" +
    "{% if 'tools' in message %}{{ message['tools'] }}{% endif %};{% endfor %}";
  const user = { role: "user", content: "hi" };
  const tools = [{ name: "f" }];
  assert.equal(renderChat(template, { messages: [user], tools }), 'system:[{"name":"f"}];user:hi;');
  const system = { role: "system", content: "be" };
  assert.equal(
    renderChat(template, { messages: [system, user], tools }),
    'system:be[{"name":"f"}];user:hi;',
  );
  assert.equal(renderChat(template, { messages: [user] }), "user:hi;");
});
