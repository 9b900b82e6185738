/**
 * Answers and stream chunks in OpenAI's shapes, for both endpoints.
 *
 * Shapes: `ChatCompletion`, `ChatCompletionChunk` and `Completion` of the official `openai` client.
 */
import type { FinishReason, Usage } from "../inference/mod.ts";

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

/** One endpoint's shapes. */
export interface AnswerShape {
  /** A whole answer. */
  whole(
    head: AnswerHead,
    answer: { readonly text: string; readonly finishReason: FinishReason; readonly usage: Usage },
  ): unknown;
  /** The `choices` of the chunk that opens a stream, if there is such a chunk. */
  opening(): unknown[] | undefined;
  /** The `choices` of a chunk of text. */
  text(text: string): unknown[];
  /** The `choices` of the chunk that tells why the answer ended. */
  ending(finishReason: FinishReason): unknown[];
  /** The `object` of a chunk. */
  readonly chunkObject: string;
}

/** `POST /v1/chat/completions`. */
export const chatShape: AnswerShape = {
  chunkObject: "chat.completion.chunk",
  whole: (head, { text, finishReason, usage }) => ({
    ...common(head, "chat.completion"),
    choices: [{
      index: 0,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: null,
      finish_reason: finishReason,
    }],
    usage: usageBody(usage),
  }),
  opening: () => [chatChoice({ role: "assistant", content: "", refusal: null }, null)],
  text: (text) => [chatChoice({ content: text }, null)],
  ending: (finishReason) => [chatChoice({}, finishReason)],
};

/** `POST /v1/completions`. */
export const completionShape: AnswerShape = {
  chunkObject: "text_completion",
  whole: (head, { text, finishReason, usage }) => ({
    ...common(head, "text_completion"),
    choices: [completionChoice(text, finishReason)],
    usage: usageBody(usage),
  }),
  opening: () => undefined,
  text: (text) => [completionChoice(text, null)],
  ending: (finishReason) => [completionChoice("", finishReason)],
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

function chatChoice(delta: unknown, finishReason: FinishReason | null): unknown {
  return { index: 0, delta, logprobs: null, finish_reason: finishReason };
}

function completionChoice(text: string, finishReason: FinishReason | null): unknown {
  return { text, index: 0, logprobs: null, finish_reason: finishReason };
}

function usageBody(usage: Usage): unknown {
  const { promptTokens, completionTokens } = usage;
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
  };
}
