/**
 * Small models of random weights with the chat templates of several families: what they write is
 * nonsense, in the form that they are held to.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { familyShape } from "../../bench/models/family_shapes.ts";
import { writeRandomModel } from "../../bench/models/gguf_writer.ts";
import type { ValueToWrite } from "../../bench/models/encode_gguf.ts";
import { syntheticVocabulary } from "../../bench/models/synthetic_vocabulary.ts";

const messages = (call: string): string =>
  `{%- for m in messages %}<{{ m.role }}>{{ m.content }}` +
  `{%- for c in m.tool_calls or [] %}${call}{% endfor %}{% if m.tool_call_id %}({{ m.tool_call_id }}){% endif %}` +
  `{%- endfor %}`;

const shown = "{%- if tools %}{{ tools | tojson }}{% endif %}";

const hermesCall =
  '<tool_call>{"name": "{{ c.function.name }}", "arguments": {{ c.function.arguments | tojson }}}</tool_call>';

/** Templates that show tools and calls as their families do, in short. */
export const templates = {
  hermes: shown + messages(hermesCall),
  mistral: shown + messages("[TOOL_CALLS]{{ c.function | tojson }}"),
  "mistral-args": shown +
    messages("[TOOL_CALLS]{{ c.function.name }}[ARGS]{{ c.function.arguments | tojson }}"),
  phi: shown + messages("<|tool_call|>{{ c.function | tojson }}<|/tool_call|>"),
  llama3: shown +
    messages(
      '{"name": "{{ c.function.name }}", "parameters": {{ c.function.arguments | tojson }}}',
    ),
  json: shown + messages("{{ c.function | tojson }}"),
} as const;

/** A model file that `remove` deletes. */
export interface ModelFile {
  readonly path: string;
  readonly directory: string;
  remove(): void;
}

/**
 * Writes a model of two layers with 512 tokens; `[TOOL_CALLS]` is a control token of it.
 *
 * @param unspelled a byte that no text of the model has, where there is a template
 */
export function writeTemplateModel(template: string | undefined, unspelled?: number): ModelFile {
  const directory = mkdtempSync(join(tmpdir(), "skep-template-"));
  const path = join(directory, "random.gguf");
  const shape = familyShape("llama", {
    layerCount: 2,
    width: 64,
    ffnWidth: 128,
    headCount: 4,
    kvHeadCount: 2,
    headWidth: 16,
    vocabularySize: 512,
    contextMax: 4096,
    tiedOutput: false,
  });
  const extra = template === undefined ? [] : extraOf(template, unspelled);
  writeRandomModel({ shape, type: "q8_0", seed: 3, path, extra });
  return { path, directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

function extraOf(template: string, unspelled?: number): (readonly [string, ValueToWrite])[] {
  const { tokens, pairs } = syntheticVocabulary(512);
  const given = pairs.find(([key]) => key === "tokenizer.ggml.token_type")?.[1].value;
  const control = tokens.length - 1;
  const types = (given as readonly number[]).with(control, 3);
  // Bytes follow the three special tokens.
  if (unspelled !== undefined) types[3 + unspelled] = 3;
  return [
    ["tokenizer.chat_template", { type: "string", value: template }],
    [
      "tokenizer.ggml.tokens",
      { type: "array", of: "string", value: tokens.with(control, "[TOOL_CALLS]") },
    ],
    [
      "tokenizer.ggml.token_type",
      { type: "array", of: "i32", value: types },
    ],
  ];
}
