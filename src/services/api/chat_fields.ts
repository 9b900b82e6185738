/**
 * Every field of `POST /v1/chat/completions`: OpenAI's documented ones, and this API's extensions.
 *
 * Source of the names: `ChatCompletionCreateParamsBase` of the official `openai` npm client, against
 * which a test compares this table.
 */
import * as v from "valibot";
import { wholeNumber } from "../../kernel/mod.ts";
import type { Tool } from "../inference/mod.ts";
import { messages } from "./chat_message.ts";
import type { ChatMessage } from "./chat_message.ts";
import {
  boolean,
  isEmptyArray,
  issueOfObject,
  notArray,
  nothingAsked,
  oneOf,
  onlyNull,
  textUpTo,
} from "./field_schemas.ts";
import type { Schema } from "./field_schemas.ts";
import type { Field } from "./fields.ts";
import { toolsMax, topLogprobsMax } from "./limits.ts";
import { samplingFields } from "./sampling_fields.ts";
import { responseFormat, toolChoice, tools } from "./tool_fields.ts";
import type { ResponseFormat, ToolChoice } from "./tool_fields.ts";

const noTools = "the older form of tools is not taken: use tools";

const metadataMessage =
  "it must map up to 16 keys of at most 64 characters to strings of at most 512";

// OpenAI's bounds: 16 pairs, keys of 64 and values of 512 characters.
const metadata: Schema<Record<string, string>> = notArray(
  v.pipe(
    v.record(
      v.pipe(v.string(metadataMessage), v.maxLength(64, metadataMessage)),
      v.pipe(v.string(metadataMessage), v.maxLength(512, metadataMessage)),
      metadataMessage,
    ),
    v.maxEntries(16, metadataMessage),
  ),
  metadataMessage,
);

const promptCacheOptions: Schema<unknown> = notArray(
  v.strictObject({
    mode: v.nullish(v.picklist(["implicit", "explicit"], "it must be implicit or explicit")),
    ttl: v.optional(
      v.null("what is known of prompts is kept until its room is needed: leave it out"),
    ),
  }, issueOfObject("mode")),
  "it must be an object with mode",
);

/** The table. */
export const chatFields = {
  ...samplingFields,
  messages: {
    use: "honoured",
    note: "roles system, developer, user, assistant, tool; content a string or text parts",
    required: true,
    schema: messages,
  } as Field<ChatMessage[]>,
  max_completion_tokens: {
    use: "honoured",
    note: "at least 1; default: what the context has left",
    schema: wholeNumber({ from: 1 }),
  } as Field<number>,
  max_tokens: {
    use: "honoured",
    note: "the older name of `max_completion_tokens`; both must agree",
    schema: wholeNumber({ from: 1 }),
  } as Field<number>,
  logprobs: {
    use: "honoured",
    note: "default `false`; `true` lists the answer's tokens, from the raw logits",
    schema: boolean,
  } as Field<boolean>,
  top_logprobs: {
    use: "honoured",
    note: `0 to ${topLogprobsMax}, default 0; needs \`logprobs\``,
    schema: wholeNumber({ from: 0, to: topLogprobsMax }),
  } as Field<number>,
  response_format: {
    use: "honoured",
    note: "`text`, `json_object`, or `json_schema` with a `schema`, held to `strict` or not",
    schema: responseFormat,
  } as Field<ResponseFormat>,
  tools: {
    use: "honoured",
    note: `up to ${toolsMax} functions; the model's chat template must have a place for them`,
    schema: tools,
  } as Field<Tool[]>,
  tool_choice: {
    use: "honoured",
    note: "`none`, `auto` (default with tools), `required`, or a function by its name",
    schema: toolChoice,
  } as Field<ToolChoice>,
  parallel_tool_calls: {
    use: "honoured",
    note: "default `true`; `false` allows one call",
    schema: boolean,
  } as Field<boolean>,
  metadata: {
    use: "identifier",
    note: "up to 16 pairs of strings; nothing is stored",
    schema: metadata,
  } as Field<Record<string, string>>,
  prompt_cache_key: {
    use: "identifier",
    note: "up to 512 characters",
    schema: textUpTo(512),
  } as Field<string>,
  safety_identifier: {
    use: "identifier",
    note: "up to 512 characters",
    schema: textUpTo(512),
  } as Field<string>,
  prompt_cache_options: {
    use: "nothing-asked",
    note: "`mode` only: what is known of a prompt's beginning is used either way",
    schema: promptCacheOptions,
  } as Field<unknown>,
  prompt_cache_retention: nothingAsked({
    accepts: oneOf("in_memory", "in-memory", "24h"),
    message: "it must be in_memory or 24h",
    note: "`in_memory` or `24h`: both are upper bounds, and nothing outlives the process",
  }),
  audio: onlyNull("audio is not made by this release: leave it out"),
  function_call: nothingAsked({
    accepts: oneOf("none", "auto"),
    message: `${noTools}, and send none or leave it out`,
    note: "`none` or `auto`",
  }),
  functions: nothingAsked({
    accepts: isEmptyArray,
    message: `${noTools}, and send [] or leave it out`,
    note: "`[]`",
  }),
  modalities: nothingAsked({
    accepts: (value) => Array.isArray(value) && value.length === 1 && value[0] === "text",
    message: `only text is made by this release: send ["text"] or leave it out`,
    note: '`["text"]`',
  }),
  moderation: onlyNull("nothing is moderated by this release: leave it out"),
  prediction: onlyNull("predicted outputs are not used by this release: leave it out"),
  reasoning_effort: nothingAsked({
    accepts: oneOf("none"),
    message: "reasoning is not steered by this release: send none or leave it out",
    note: "`none`",
  }),
  service_tier: nothingAsked({
    accepts: oneOf("auto", "default"),
    message: "there is one tier of service: send auto or default, or leave it out",
    note: "`auto` or `default`",
  }),
  store: nothingAsked({
    accepts: oneOf(false),
    message: "nothing is stored by this API: send false or leave it out",
    note: "`false`",
  }),
  verbosity: nothingAsked({
    accepts: oneOf("medium"),
    message: "verbosity is not steered by this release: send medium or leave it out",
    note: "`medium`, which is OpenAI's default",
  }),
  web_search_options: onlyNull("the web is not searched by this release: leave it out"),
};
