/**
 * One choice of an answer, from the items of the inference service to parts as clients get them.
 */
import type { FinishReason, GenerateItem, ListedToken, ToolFormat } from "../inference/mod.ts";
import { ToolReader } from "./tool_reader.ts";
import type { ToolPart } from "./tool_reader.ts";

/** Why a choice ended, as OpenAI has it. */
export type ChoiceFinish = FinishReason | "tool_calls";

/** A part, with the tokens that the text so far completes, if they were asked for. */
export interface ChoicePart {
  readonly part: ToolPart;
  readonly logprobs?: readonly ListedToken[] | undefined;
}

type Item<T extends GenerateItem["type"]> = GenerateItem & { readonly type: T };

/** Reads one choice. */
export class ChoiceReader {
  readonly #tools: ToolReader | undefined;
  #logprobs: ListedToken[] | undefined;

  /** @param format the form of tool calls, where there may be any */
  constructor(format: ToolFormat | undefined, newId: () => string) {
    this.#tools = format === undefined ? undefined : new ToolReader(format, newId);
  }

  /** The parts of a text item; none while it may still become something else. */
  read({ text, logprobs }: Item<"text">): ChoicePart[] {
    if (logprobs !== undefined) (this.#logprobs ??= []).push(...logprobs);
    return this.#listed(this.#tools?.push(text) ?? [{ kind: "text", text }]);
  }

  /** What is left at the end, and why it ended. */
  end(item: Item<"end">): { readonly parts: ChoicePart[]; readonly finishReason: ChoiceFinish } {
    const parts = this.#tools?.flush() ?? [];
    const isLeft = parts.length === 0 && (this.#logprobs?.length ?? 0) > 0;
    const calls = this.#tools?.callCount ?? 0;
    return {
      parts: this.#listed(isLeft ? [{ kind: "text", text: "" }] : parts),
      finishReason: calls > 0 && item.finishReason === "stop" ? "tool_calls" : item.finishReason,
    };
  }

  /** Tokens go with the first part that is certain after them. */
  #listed(parts: readonly ToolPart[]): ChoicePart[] {
    return parts.map((part, at) => {
      if (at > 0 || this.#logprobs === undefined) return { part };
      const logprobs = this.#logprobs;
      this.#logprobs = [];
      return { part, logprobs };
    });
  }
}
