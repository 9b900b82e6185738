/**
 * Messages of a conversation: text in, text out. What a message may carry beyond text (images,
 * audio, tool calls) is refused by name; the empty forms that this API's own answers have, and that
 * applications send back, are taken.
 */
import * as v from "valibot";
import { arrayOf, isEmptyArray, issueOfObject, type Schema, textUpTo } from "./field_schemas.ts";
import { contentPartsMax, messagesMax } from "./limits.ts";

/** Roles that a chat template is given; "developer" is OpenAI's newer word for "system". */
export type ChatRole = "system" | "user" | "assistant" | "tool";

/** A message as the inference service takes it. */
export interface ChatMessage {
  readonly role: ChatRole;
  readonly content: string;
  readonly name?: string;
}

const roleMessage = "it must be system, developer, user, assistant or tool";
const contentMessage = "it must be a string or an array of text parts";
const partMessage = "only text parts are understood by this release";
const toolsMessage = "tools are not called by this release: leave it out";

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

function empty(message: string): Schema<unknown> {
  return v.pipe(
    v.unknown(),
    v.check((value) => value === null || value === "" || isEmptyArray(value), message),
  );
}

const message = v.pipe(
  v.strictObject({
    role: v.picklist(["system", "developer", "user", "assistant", "tool"], roleMessage),
    content,
    name: v.nullish(textUpTo(256)),
    tool_call_id: v.nullish(textUpTo(256)),
    tool_calls: v.optional(empty(toolsMessage)),
    function_call: v.optional(empty(toolsMessage)),
    refusal: v.optional(empty("refusals are not understood by this release: leave it out")),
    audio: v.optional(empty("audio is not understood by this release: leave it out")),
    annotations: v.optional(empty("annotations are not understood by this release: leave it out")),
  }, issueOfObject("role, content and name")),
  v.transform((given): ChatMessage => ({
    role: given.role === "developer" ? "system" : given.role,
    content: given.content,
    ...(typeof given.name === "string" ? { name: given.name } : {}),
  })),
);

/** `messages`: 1 to 4,096 of them, text only. Their total size is the body's limit. */
export const messages: Schema<ChatMessage[]> = arrayOf(message, {
  message: "it must be an array of messages",
  min: [1, "it must hold at least one message"],
  max: [messagesMax, `it may hold at most ${messagesMax} messages`],
});
