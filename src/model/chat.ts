/**
 * Chats as prompts: the model's own template, or a plain default.
 *
 * The template is metadata `tokenizer.chat_template`; named templates
 * (`tokenizer.chat_template.<name>`) are not used, but for "tool_use" where there are tools.
 */
import { ModelError } from "./errors.ts";
import type { GgufFile } from "./gguf_types.ts";
import { stringKey } from "./_keys.ts";
import { MESSAGES_MAX, RENDERED_UNITS_MAX } from "./limits.ts";
import { runTemplate } from "./_template.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** One message; members beyond these (tool_calls, name) are passed to the template as they are. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  readonly [member: string]: unknown;
}

/** What a template sees besides the messages. */
export interface ChatOptions {
  /** Whether to end with the start of an answer. @default true */
  readonly addGenerationPrompt?: boolean;
  /** Tool definitions, passed through. @default none */
  readonly tools?: readonly unknown[];
  /** Text of the BOS token. @default "" */
  readonly bosToken?: string;
  /** Text of the EOS token. @default "" */
  readonly eosToken?: string;
  /** The time that `strftime_now` shows, Unix milliseconds. @default undefined: no such function */
  readonly nowMs?: number;
}

/** A chat made ready for generation. */
export interface ChatPrompt {
  readonly text: string;
  readonly ids: Uint32Array;
  /** Strings at which generation should stop, besides the model's own end tokens. */
  readonly stops: readonly string[];
}

/**
 * Stop strings that go with the default prompt: none, since a story continues past line ends.
 * Templates need none either: their models end turns with tokens.
 */
export const DEFAULT_CHAT_STOPS: readonly string[] = [];

/**
 * The chat template of a model, if it has one; with tools, the one that it has for them, if it has
 * two.
 */
export function chatTemplate(
  file: GgufFile,
  options: { readonly tools?: boolean } = {},
): string | undefined {
  const forTools = options.tools === true
    ? stringKey(file, "tokenizer.chat_template.tool_use")
    : undefined;
  return forTools ?? stringKey(file, "tokenizer.chat_template");
}

/**
 * Renders messages to a prompt.
 *
 * Without a template the contents are joined by newlines, in order, with no role names, so that a
 * plain text model continues the last one; a single message is its content alone.
 *
 * @param template the model's own, or `undefined` for the default
 * @throws {ModelError} `bad-messages` for no or too many messages, messages that the template
 * refuses, or tools that it would ignore; `bad-template` when it fails or asks for too much
 */
export function renderChat(
  template: string | undefined,
  chat: ChatOptions & { readonly messages: readonly ChatMessage[] },
): string {
  const { messages, tools = [] } = chat;
  checkMessages(messages);
  if (tools.length > 0 && !(template !== undefined && /\btools\b/.test(template))) {
    throw new ModelError(
      "bad-messages",
      "Cannot render the chat as the model's template has no place for tools",
    );
  }
  if (template === undefined) return messages.map(({ content }) => content).join("\n");
  return runTemplate(template, {
    variables: {
      messages: tools.length > 0 && toolsInMessage.test(template)
        ? withTools(messages, tools)
        : messages,
      ...(tools.length > 0 ? { tools } : {}),
      add_generation_prompt: chat.addGenerationPrompt ?? true,
      bos_token: chat.bosToken ?? "",
      eos_token: chat.eosToken ?? "",
    },
    nowMs: chat.nowMs,
  });
}

/** Phi's templates look for tools, as text, in the system message. */
const toolsInMessage = /message(\.tools\b|\[['"]tools['"]\])/;

function withTools(
  messages: readonly ChatMessage[],
  tools: readonly unknown[],
): readonly ChatMessage[] {
  const [first, ...rest] = messages;
  const shown = { tools: JSON.stringify(tools) };
  return first?.role === "system"
    ? [{ ...first, ...shown }, ...rest]
    : [{ role: "system", content: "", ...shown }, ...messages];
}

/**
 * Renders and encodes messages for a model: its template, its BOS and EOS texts, one BOS at the
 * start whether or not the template writes one.
 *
 * Control tokens that a template writes are recognised, and so are those that a message spells out:
 * do not take the roles of a rendered chat for a proof of who wrote what.
 *
 * @throws {ModelError} as `renderChat`
 */
export function chatPrompt(
  model: { readonly file: GgufFile; readonly tokenizer: Tokenizer },
  chat: Omit<ChatOptions, "bosToken" | "eosToken"> & { readonly messages: readonly ChatMessage[] },
): ChatPrompt {
  const { file, tokenizer } = model;
  const template = chatTemplate(file, { tools: (chat.tools ?? []).length > 0 });
  const bosToken = textOf(tokenizer, tokenizer.bosId);
  const text = renderChat(template, {
    ...chat,
    bosToken,
    eosToken: textOf(tokenizer, tokenizer.eosId),
  });
  const hasBos = template !== undefined && bosToken !== "" && text.startsWith(bosToken);
  const ids = tokenizer.encode(text, {
    addBos: tokenizer.addBos && !hasBos,
    parseSpecial: template !== undefined,
  });
  return { text, ids, stops: DEFAULT_CHAT_STOPS };
}

function textOf(tokenizer: Tokenizer, id: number | undefined): string {
  return id === undefined ? "" : tokenizer.tokenText(id);
}

function checkMessages(messages: readonly ChatMessage[]): void {
  if (messages.length === 0 || messages.length > MESSAGES_MAX) {
    throw new ModelError(
      "bad-messages",
      `Cannot render the chat as it must have 1 to ${MESSAGES_MAX} messages: it has ${messages.length}`,
    );
  }
  let units = 0;
  for (const { content } of messages) units += content.length;
  if (units > RENDERED_UNITS_MAX) {
    throw new ModelError(
      "bad-messages",
      `Cannot render the chat as its contents must be at most ${RENDERED_UNITS_MAX} UTF-16 units: they are ${units}`,
    );
  }
}
