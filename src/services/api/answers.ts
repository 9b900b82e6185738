/**
 * Answers and stream chunks in OpenAI's shapes, for both endpoints.
 *
 * Shapes: `ChatCompletion`, `ChatCompletionChunk` and `Completion` of the official `openai` client.
 */
import type { ListedToken, Usage } from "../inference/mod.ts";
import type { ChoiceFinish, ChoicePart } from "./choice_reader.ts";
import { chatLogprobs, completionLogprobs } from "./logprobs.ts";

/** What all parts of one answer have in common. */
export interface AnswerHead {
  /** "chatcmpl-..." or "cmpl-..."; the same in the journal. */
  readonly id: string;
  readonly createdSeconds: number;
  readonly model: string;
  readonly fingerprint: string;
  /** Whether the request named a tier, so that the answer names the one that served it. */
  readonly namesTier: boolean;
}

/** A tool call; its arguments are JSON. */
export interface WholeCall {
  readonly id: string;
  readonly name: string;
  readonly arguments: string;
}

/** One whole choice. */
export interface WholeChoice {
  readonly text: string;
  readonly calls: readonly WholeCall[];
  /** The tokens of the text, if they were asked for. */
  readonly logprobs: readonly ListedToken[] | undefined;
  readonly finishReason: ChoiceFinish;
}

/** One endpoint's shapes; `index` is that of a choice. */
export interface AnswerShape {
  /** A whole answer. */
  whole(
    head: AnswerHead,
    answer: { readonly choices: readonly WholeChoice[]; readonly usage: Usage },
  ): unknown;
  /** The choice of the chunk that opens a choice's stream, if there is such a chunk. */
  opening(index: number): unknown;
  /** The choice of a chunk of text, or of a tool call. */
  part(index: number, part: ChoicePart): unknown;
  /** The choice of the chunk that tells why it ended. */
  ending(index: number, finishReason: ChoiceFinish): unknown;
  /** The `object` of a chunk. */
  readonly chunkObject: string;
}

/** `POST /v1/chat/completions`. */
export const chatShape: AnswerShape = {
  chunkObject: "chat.completion.chunk",
  whole: (head, { choices, usage }) => ({
    ...common(head, "chat.completion"),
    choices: choices.map(({ text, calls, logprobs, finishReason }, index) => ({
      index,
      message: calls.length === 0 ? { role: "assistant", content: text, refusal: null } : {
        role: "assistant",
        content: text === "" ? null : text,
        refusal: null,
        tool_calls: calls.map(({ id, name, arguments: given }) => ({
          id,
          type: "function",
          function: { name, arguments: given },
        })),
      },
      logprobs: chatLogprobs(logprobs),
      finish_reason: finishReason,
    })),
    usage: usageBody(usage),
  }),
  opening: (index) =>
    chatChoice(index, { delta: { role: "assistant", content: "", refusal: null } }),
  part: (index, { part, logprobs }) => chatChoice(index, { delta: deltaOf(part), logprobs }),
  ending: (index, finishReason) => chatChoice(index, { delta: {}, finishReason }),
};

/** `POST /v1/completions`. */
export const completionShape: AnswerShape = {
  chunkObject: "text_completion",
  whole: (head, { choices, usage }) => ({
    ...common(head, "text_completion"),
    choices: choices.map((choice, index) => completionChoice(index, choice)),
    usage: usageBody(usage),
  }),
  opening: () => undefined,
  part: (index, { part, logprobs }) =>
    completionChoice(index, { text: part.kind === "text" ? part.text : "", logprobs }),
  ending: (index, finishReason) => completionChoice(index, { text: "", finishReason }),
};

/**
 * A chunk of a stream.
 *
 * @param usage null in every chunk but the last one of a stream that was asked for usage; undefined
 * in streams that were not
 */
export function chunk(
  head: AnswerHead,
  part: {
    readonly shape: AnswerShape;
    readonly choices: readonly unknown[];
    readonly usage: Usage | null | undefined;
  },
): unknown {
  const { usage } = part;
  return {
    ...common(head, part.shape.chunkObject),
    choices: part.choices,
    ...(usage === undefined ? {} : { usage: usage === null ? null : usageBody(usage) }),
  };
}

function common(head: AnswerHead, object: string): Record<string, unknown> {
  return {
    id: head.id,
    object,
    created: head.createdSeconds,
    model: head.model,
    ...(head.namesTier ? { service_tier: "default" } : {}),
    system_fingerprint: head.fingerprint,
  };
}

/** What changes: text, the beginning of a call, or more of its arguments. */
function deltaOf(part: ChoicePart["part"]): unknown {
  switch (part.kind) {
    case "text":
      return { content: part.text };
    case "call": {
      const { index, id, name } = part;
      const call = { index, id, type: "function", function: { name, arguments: "" } };
      return { tool_calls: [call] };
    }
    case "arguments":
      return { tool_calls: [{ index: part.index, function: { arguments: part.text } }] };
  }
}

interface Part {
  readonly text?: string;
  readonly logprobs?: readonly ListedToken[] | undefined;
  readonly finishReason?: ChoiceFinish;
}

function chatChoice(index: number, part: Part & { readonly delta: unknown }): unknown {
  const { delta, logprobs, finishReason = null } = part;
  return { index, delta, logprobs: chatLogprobs(logprobs), finish_reason: finishReason };
}

function completionChoice(index: number, part: Part): unknown {
  const { text = "", logprobs, finishReason = null } = part;
  return { text, index, logprobs: completionLogprobs(logprobs), finish_reason: finishReason };
}

function usageBody(usage: Usage): unknown {
  const { promptTokens, cachedTokens, completionTokens } = usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens },
  };
}
