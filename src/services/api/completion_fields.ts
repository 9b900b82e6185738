/**
 * Every field of `POST /v1/completions`: OpenAI's documented ones, and this API's extensions.
 *
 * Source of the names: `CompletionCreateParamsBase` of the official `openai` npm client, against
 * which a test compares this table.
 */
import * as v from "valibot";
import { wholeNumber } from "../../kernel/mod.ts";
import { boolean, nothingAsked, oneOf } from "./field_schemas.ts";
import type { Schema } from "./field_schemas.ts";
import type { Field } from "./fields.ts";
import { promptTokensMax, topLogprobsMax } from "./limits.ts";
import { samplingFields } from "./sampling_fields.ts";

/** A prompt: text, or token ids. */
export type Prompt =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "tokens"; readonly tokens: number[] };

const shapeMessage = "it must be a string, an array of token ids, or an array with one of these";

const text = v.pipe(
  v.string(shapeMessage),
  v.transform((given: string): Prompt => ({ kind: "text", text: given })),
);

const tokenMessage = `it must be a whole number from 0 to ${2 ** 31 - 1}`;

// By one loop: a schema per item takes a third of a second for a million items.
const tokens = v.pipe(
  v.custom<unknown[]>((value) => Array.isArray(value), shapeMessage),
  v.minLength(1, "it must hold at least one token"),
  v.maxLength(promptTokensMax, `it may hold at most ${promptTokensMax} tokens`),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const input = dataset.value;
    const key = input.findIndex((id) => !isTokenId(id));
    if (key < 0) return;
    const path = [{
      type: "array" as const,
      origin: "value" as const,
      input,
      key,
      value: input[key],
    }];
    addIssue({ message: tokenMessage, path: path as [typeof path[number]] });
  }),
  v.transform((given): Prompt => ({ kind: "tokens", tokens: given as number[] })),
);

function isTokenId(value: unknown): boolean {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < 2 ** 31;
}

/** The one prompt of an array of prompts, or the value itself. */
const prompt: Schema<Prompt> = v.pipe(
  v.unknown(),
  v.check(
    (value) => !isListOfPrompts(value) || value.length === 1,
    "one prompt is answered by a request: send several requests",
  ),
  v.transform((value): unknown => isListOfPrompts(value) ? value[0] : value),
  v.lazy((value) => typeof value === "string" ? text : tokens),
) as Schema<Prompt>;

/** The table. */
export const completionFields = {
  ...samplingFields,
  prompt: {
    use: "honoured",
    note: "a string, token ids, or an array with one of these",
    required: true,
    schema: prompt,
  } as Field<Prompt>,
  max_tokens: {
    use: "honoured",
    note: "at least 0, default 16, as OpenAI documents",
    schema: wholeNumber({ from: 0 }),
  } as Field<number>,
  echo: {
    use: "honoured",
    note: "default `false`; `true` puts the prompt before the answer",
    schema: boolean,
  } as Field<boolean>,
  logprobs: {
    use: "honoured",
    note: `0 to ${topLogprobsMax}: so many likeliest tokens with each; not with \`echo\``,
    schema: wholeNumber({ from: 0, to: topLogprobsMax }),
  } as Field<number>,
  best_of: nothingAsked({
    accepts: oneOf(1),
    message: "all answers are given that are made: send 1 or leave it out",
    note: "`1`",
  }),
  suffix: nothingAsked({
    accepts: oneOf(""),
    message: "text is not inserted before a suffix by this release: leave it out",
    note: '`""`',
  }),
};

function isListOfPrompts(value: unknown): value is unknown[] {
  return Array.isArray(value) && (typeof value[0] === "string" || Array.isArray(value[0]));
}
