/**
 * Log-probabilities in OpenAI's two shapes.
 *
 * Shapes: `ChatCompletion.Choice.Logprobs` and `CompletionChoice.Logprobs` of the official client.
 */
import { encodeHex } from "../../hot/mod.ts";
import type { ListedToken } from "../inference/mod.ts";

type Chance = ListedToken["top"][number];

/** `logprobs` of a chat's choice; null when they were not asked for. */
export function chatLogprobs(tokens: readonly ListedToken[] | undefined): unknown {
  if (tokens === undefined) return null;
  const content = tokens.map((token) => ({
    ...chatToken(token),
    top_logprobs: token.top.map(chatToken),
  }));
  return { content, refusal: null };
}

/**
 * `logprobs` of a completion's choice; null when they were not asked for. Of two tokens with one
 * text, the likelier is in `top_logprobs`.
 */
export function completionLogprobs(tokens: readonly ListedToken[] | undefined): unknown {
  if (tokens === undefined) return null;
  return {
    tokens: tokens.map(nameOf),
    token_logprobs: tokens.map(({ logprob }) => logprob),
    top_logprobs: tokens.map(({ top }) =>
      Object.fromEntries(top.map((one) => [nameOf(one), one.logprob]).toReversed())
    ),
    text_offset: tokens.map(({ offset }) => offset),
  };
}

function chatToken({ text, bytes, logprob }: Chance): Record<string, unknown> {
  return { token: text, logprob, bytes: bytes.length === 0 ? null : bytes };
}

/** A part of a character has no text that tells it from others, so OpenAI writes out its bytes. */
function nameOf({ text, bytes }: Chance): string {
  if (!text.includes("\ufffd")) return text;
  return `bytes:${encodeHex(Uint8Array.from(bytes)).replace(/../g, "\\x$&")}`;
}
