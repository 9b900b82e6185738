/**
 * Chat templates for generated models, in the manner of two public families: ChatML with tools as
 * Hermes and Qwen write them, and Phi's.
 *
 * They are short: roles, a system message, tools, calls and results of tools; no reasoning.
 */
import type { VocabularyToWrite } from "./synthetic_vocabulary.ts";
import type { Pair } from "./shape_keys.ts";

/** A template, and the token that ends a message of the assistant. */
interface ChatFormat {
  readonly endOfTurn: string;
  readonly template: string;
}

const CHATML = `{%- if messages[0].role == 'system' %}
  {%- set system = messages[0].content %}
{%- else %}
  {%- set system = 'You are a helpful assistant.' %}
{%- endif %}
{{- '<|im_start|>system\\n' + system }}
{%- if tools %}
  {{- '\\n\\n# Tools\\n\\nYou may call these functions:\\n<tools>' }}
  {%- for tool in tools %}
    {{- '\\n' + (tool | tojson) }}
  {%- endfor %}
  {{- '\\n</tools>\\n\\nTo call one, answer with its name and arguments as JSON:\\n<tool_call>\\n' }}
  {{- '{"name": <name>, "arguments": <arguments>}\\n</tool_call>' }}
{%- endif %}
{{- '<|im_end|>\\n' }}
{%- for message in messages %}
  {%- if message.role == 'tool' %}
    {%- if loop.first or messages[loop.index0 - 1].role != 'tool' %}
      {{- '<|im_start|>user' }}
    {%- endif %}
    {{- '\\n<tool_response>\\n' + message.content + '\\n</tool_response>' }}
    {%- if loop.last or messages[loop.index0 + 1].role != 'tool' %}
      {{- '<|im_end|>\\n' }}
    {%- endif %}
  {%- elif not (loop.first and message.role == 'system') %}
    {{- '<|im_start|>' + message.role + '\\n' }}
    {%- if message.content %}
      {{- message.content }}
    {%- endif %}
    {%- for call in message.tool_calls or [] %}
      {%- if message.content or not loop.first %}
        {{- '\\n' }}
      {%- endif %}
      {%- set function = call.function or call %}
      {{- '<tool_call>\\n{"name": "' + function.name + '", "arguments": ' }}
      {%- if function.arguments is string %}
        {{- function.arguments }}
      {%- else %}
        {{- function.arguments | tojson }}
      {%- endif %}
      {{- '}\\n</tool_call>' }}
    {%- endfor %}
    {{- '<|im_end|>\\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|im_start|>assistant\\n' }}
{%- endif %}`;

const PHI = `{%- for message in messages %}
  {%- if message.role in ['system', 'user', 'assistant', 'tool'] %}
    {{- '<|' + (message.role if message.role != 'tool' else 'user') + '|>\\n' }}
    {{- (message.content or '') + '<|end|>\\n' }}
  {%- endif %}
{%- endfor %}
{%- if add_generation_prompt %}
  {{- '<|assistant|>\\n' }}
{%- endif %}`;

const FORMATS: readonly ChatFormat[] = [
  { endOfTurn: "<|im_end|>", template: CHATML },
  { endOfTurn: "<|end|>", template: PHI },
];

/** A vocabulary with the chat template of its kind, where it has the tokens for one. */
export function withChatTemplate(vocabulary: VocabularyToWrite): VocabularyToWrite {
  for (const { endOfTurn, template } of FORMATS) {
    const id = vocabulary.tokens.indexOf(endOfTurn);
    if (id < 0) continue;
    const pairs: readonly Pair[] = [
      ["tokenizer.chat_template", { type: "string", value: template }],
      ["tokenizer.ggml.eos_token_id", { type: "u32", value: id }],
    ];
    const replaced = pairs.map(([key]) => key);
    return {
      ...vocabulary,
      pairs: [...vocabulary.pairs.filter(([key]) => !replaced.includes(key)), ...pairs],
    };
  }
  return vocabulary;
}
