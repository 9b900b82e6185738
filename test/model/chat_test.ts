/** Templates of real models, the default, and templates that mean harm. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesSource,
  chatPrompt,
  chatTemplate,
  DEFAULT_CHAT_STOPS,
  loadTokenizer,
  openGguf,
  renderChat,
} from "../../src/model/mod.ts";
import { isModelError } from "./_files.ts";
import { fixture } from "./_vectors.ts";
import { isSoon } from "../_soon.ts";

const CHATML = "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + " +
  "message.content + '<|im_end|>\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
const user = { role: "user", content: "Hi" };

async function model(path: string): Promise<Parameters<typeof chatPrompt>[0]> {
  const file = await openGguf(bytesSource(fixture(path), path));
  return { file, tokenizer: loadTokenizer(file) };
}

test("renderChat() renders a template with the start of an answer, or without", () => {
  const messages = [{ role: "system", content: "Be kind" }, user];
  const start = "<|im_start|>system\nBe kind<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n";
  assert.equal(renderChat(CHATML, { messages }), `${start}<|im_start|>assistant\n`);
  assert.equal(renderChat(CHATML, { messages, addGenerationPrompt: false }), start);
});

test("renderChat() joins contents by newlines for a model without a template", () => {
  assert.equal(renderChat(undefined, { messages: [user] }), "Hi");
  const messages = [
    { role: "system", content: "A" },
    user,
    { role: "assistant", content: "B" },
    user,
  ];
  assert.equal(renderChat(undefined, { messages }), "A\nHi\nB\nHi");
  assert.deepEqual(DEFAULT_CHAT_STOPS, []);
});

test("renderChat() passes tools, texts of BOS and EOS, other members, and the time", () => {
  const template = "{{ bos_token }}{{ tools[0].function.name }}{{ messages[0].name }}" +
    "{{ strftime_now('%d %b %Y') }}{{ eos_token }}";
  const text = renderChat(template, {
    messages: [{ ...user, name: "Ann" }],
    tools: [{ type: "function", function: { name: "f" } }],
    bosToken: "<s>",
    eosToken: "</s>",
    nowMs: Date.UTC(2024, 6, 4),
  });
  assert.equal(text, "<s>fAnn04 Jul 2024</s>");
  const asked = "{{ strftime_now is defined }}{{ tools is defined }}";
  assert.equal(renderChat(asked, { messages: [user] }), "falsefalse");
});

test("renderChat() refuses tools that the template would ignore", () => {
  const chat = { messages: [user], tools: [{}] };
  for (const template of [CHATML, undefined]) {
    assert.throws(
      () => renderChat(template, chat),
      isModelError("bad-messages", /no place for tools/),
    );
  }
});

test("renderChat() reports what raise_exception says as bad-messages", () => {
  const template = "{{ raise_exception('roles must alternate') }}";
  assert.throws(
    () => renderChat(template, { messages: [user] }),
    isModelError("bad-messages", /'roles must alternate'/),
  );
  assert.throws(
    () => renderChat(CHATML, { messages: [] }),
    isModelError("bad-messages", /it has 0/),
  );
});

const BAD_TEMPLATES: readonly (readonly [name: string, template: string, words: RegExp])[] = [
  ["does not parse", "{% for %}", /does not parse/],
  ["is not closed", "{{ 'a' ", /does not parse/],
  ["nests without end", "(".repeat(5) + "{{" + "(".repeat(50_000), /does not parse/],
  ["is too long", " ".repeat(256 * 1024 + 1), /at most 262144/],
  ["uses an unknown filter", "{{ messages | frobnicate }}", /fails/],
  [
    "loops for ever",
    "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}x{% endfor %}{% endfor %}{% endfor %}",
    /too much work/,
  ],
  ["makes a long range", "{% for a in range(1000000000000) %}x{% endfor %}", /100000 items/],
  ["makes an endless range", "{% for a in range(1, 2, 0) %}x{% endfor %}", /fails/],
  [
    "doubles a text",
    "{% set ns = namespace(x='0123456789') %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}{{ ns.x }}",
    /text above 8388608|too much work/,
  ],
  [
    "doubles an array",
    "{% set ns = namespace(x=[1,2]) %}{% for a in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    /array above 100000/,
  ],
  ["recurses for ever", "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", /Cannot render/],
];

for (const [name, template, words] of BAD_TEMPLATES) {
  test(`renderChat() refuses a template that ${name}, in bounded time`, async () => {
    const act = (): void =>
      assert.throws(
        () => renderChat(template, { messages: [user] }),
        isModelError("bad-template", words),
      );
    await isSoon(name, { msMax: 10_000, act });
  });
}

test("renderChat() renders a thousand long messages within its budget", () => {
  const messages = Array.from(
    { length: 1000 },
    () => ({ role: "user", content: "x".repeat(1000) }),
  );
  assert.ok(renderChat(CHATML, { messages }).length > 1_000_000);
});

test("chatPrompt() makes one BOS, whether the template writes it or not", async () => {
  const phi = await model("vocab/ggml-vocab-phi-3.gguf");
  assert.match(chatTemplate(phi.file) ?? "", /^\{\{ bos_token \}\}/);
  const prompt = chatPrompt(phi, { messages: [user] });
  assert.equal(prompt.text, "<s><|user|>\nHi<|end|>\n<|assistant|>\n");
  assert.deepEqual([...prompt.ids.subarray(0, 2)], [1, 32_010]);
  assert.equal([...prompt.ids].filter((id) => id === 1).length, 1);
  const stories = await model("models/stories260K/stories260K-q8_0.gguf");
  const story = chatPrompt(stories, {
    messages: [{ role: "user", content: "Once upon a time<s>" }],
  });
  assert.deepEqual([...story.ids.subarray(0, 5)], [1, 403, 407, 261, 378]);
  assert.equal(
    [...story.ids].filter((id) => id === 1).length,
    1,
    "no control token from a message",
  );
});
