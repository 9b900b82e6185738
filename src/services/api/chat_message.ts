/**
 * Messages of a conversation: text, tool calls and what tools answered. What a message may carry
 * beyond them (images, audio) is refused by name; the empty forms that this API's own answers have,
 * and that applications send back, are taken.
 */
import * as v from "valibot";
import { isNestedDeeper, nestingMax } from "../../grammar/mod.ts";
import { arrayOf, isEmptyArray, issueOfObject, textUpTo } from "./field_schemas.ts";
import type { Schema } from "./field_schemas.ts";
import { contentPartsMax, messagesMax, toolCallsMax } from "./limits.ts";

/** Roles that a chat template is given; "developer" is OpenAI's newer word for "system". */
export type ChatRole = "system" | "user" | "assistant" | "tool";

/** A message as the inference service takes it. */
export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: string;
  readonly name?: string;
  /** What an assistant has called. */
  readonly toolCalls?: ToolCall[];
  /** Which call a tool answers. */
  readonly toolCallId?: string;
}

/** A call that an assistant has made. */
export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** An object, or the text that was sent where it is no JSON of one. */
  readonly arguments: unknown;
}

const roleMessage = "it must be system, developer, user, assistant or tool";
const contentMessage = "it must be a string or an array of text parts";
const partMessage = "only text parts are understood by this release";
const toolsMessage = "the older form of tools is not taken: use tool_calls";

const textPart = v.pipe(
  v.strictObject({
    type: v.literal("text", partMessage),
    text: v.string("it must be a string"),
  }, issueOfObject("type and text")),
  v.transform((part) => part.text),
);

// Parts are put together as they are: what belongs between them is in them.
const content: Schema<string> = v.lazy((input) =>
  typeof input === "string" ? v.string() : v.pipe(
    arrayOf(textPart, {
      message: contentMessage,
      min: [1, contentMessage],
      max: [contentPartsMax, `it may hold at most ${contentPartsMax} parts`],
    }),
    v.transform((texts: string[]) => texts.join("")),
  )
) as Schema<string>;

const toolCall = v.pipe(
  v.strictObject({
    id: textUpTo(256),
    type: v.literal("function", "only functions are called by this release: it must be function"),
    function: v.strictObject({
      name: textUpTo(256),
      arguments: v.string("it must be a string of JSON"),
    }, issueOfObject("name and arguments")),
    // A stream's pieces, put together by an application, have it.
    index: v.nullish(v.number("it must be a number")),
  }, issueOfObject("id, type and function")),
  v.check(
    ({ function: given }) => !isNestedDeeper(parsed(given.arguments), nestingMax),
    `its arguments must be nested at most ${nestingMax} deep`,
  ),
  v.transform(({ id, function: given }): ToolCall => ({
    id,
    name: given.name,
    arguments: parsed(given.arguments),
  })),
);

/** Templates write arguments as JSON themselves, so they are given the object. */
function parsed(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : text;
  } catch {
    return text;
  }
}

const toolCalls = arrayOf(toolCall, {
  message: "it must be an array of calls",
  max: [toolCallsMax, `it may hold at most ${toolCallsMax} calls`],
});

function empty(message: string): Schema<unknown> {
  return v.pipe(
    v.unknown(),
    v.check((value) => value === null || value === "" || isEmptyArray(value), message),
  );
}

const message = v.pipe(
  v.strictObject({
    role: v.picklist(["system", "developer", "user", "assistant", "tool"], roleMessage),
    content: v.optional(v.lazy((input) => input === null ? v.null() : content)) as Schema<
      string | null | undefined
    >,
    name: v.nullish(textUpTo(256)),
    tool_call_id: v.nullish(textUpTo(256)),
    tool_calls: v.nullish(toolCalls),
    function_call: v.optional(empty(toolsMessage)),
    refusal: v.optional(empty("refusals are not understood by this release: leave it out")),
    audio: v.optional(empty("audio is not understood by this release: leave it out")),
    annotations: v.optional(empty("annotations are not understood by this release: leave it out")),
  }, issueOfObject("role, content, name, tool_calls and tool_call_id")),
  // Only a message that calls may have nothing else to say.
  v.forward(
    v.check(
      (given) => typeof given.content === "string" || (given.tool_calls?.length ?? 0) > 0,
      contentMessage,
    ),
    ["content"],
  ),
  v.forward(
    v.check(
      (given) => given.role === "assistant" || (given.tool_calls?.length ?? 0) === 0,
      "only an assistant has called tools",
    ),
    ["tool_calls"],
  ),
  v.transform((given): ChatMessage => ({
    role: given.role === "developer" ? "system" : given.role,
    content: given.content ?? "",
    ...(typeof given.name === "string" ? { name: given.name } : {}),
    ...((given.tool_calls?.length ?? 0) > 0 ? { toolCalls: given.tool_calls ?? [] } : {}),
    ...(typeof given.tool_call_id === "string" ? { toolCallId: given.tool_call_id } : {}),
  })),
);

/** `messages`: 1 to 4,096 of them, of text and tool calls. Their total size is the body's limit. */
export const messages: Schema<ChatMessage[]> = arrayOf(message, {
  message: "it must be an array of messages",
  min: [1, "it must hold at least one message"],
  max: [messagesMax, `it may hold at most ${messagesMax} messages`],
});
