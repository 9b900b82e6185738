/**
 * A whole answer, gathered from the items of its choices.
 */
import type { ListedToken, ToolFormat, Usage } from "../inference/mod.ts";
import type { WholeCall, WholeChoice } from "./answers.ts";
import { ChoiceReader } from "./choice_reader.ts";
import type { ChoiceFinish, ChoicePart } from "./choice_reader.ts";
import type { ChoiceItem } from "./choices.ts";

interface Gathering {
  readonly reader: ChoiceReader;
  readonly calls: { id: string; name: string; arguments: string }[];
  text: string;
  logprobs: ListedToken[] | undefined;
  end: { readonly finishReason: ChoiceFinish; readonly usage: Usage } | undefined;
}

/** What gathering takes. */
export interface GatherOptions {
  readonly count: number;
  /** The text that each choice begins with. */
  readonly echo: string;
  readonly toolFormat: ToolFormat | undefined;
  /** Makes the id of a tool call. */
  readonly newCallId: () => string;
}

/** What a whole answer is made of. */
export class GatheredAnswer {
  readonly #choices: readonly Gathering[];

  constructor({ count, echo, toolFormat, newCallId }: GatherOptions) {
    this.#choices = Array.from({ length: count }, () => ({
      reader: new ChoiceReader(toolFormat, newCallId),
      calls: [],
      text: echo,
      logprobs: undefined,
      end: undefined,
    }));
  }

  /** Takes the next item of any choice. */
  add({ index, item }: ChoiceItem): void {
    const choice = this.#choices[index];
    if (choice === undefined || item.type === "start") return;
    // Also when no token has become text, so that an empty answer has an empty list.
    if (item.logprobs !== undefined) choice.logprobs ??= [];
    if (item.type === "text") return addParts(choice, choice.reader.read(item));
    const { parts, finishReason } = choice.reader.end(item);
    addParts(choice, parts);
    choice.end = { finishReason, usage: item.usage };
  }

  /** The choices and what they took together; call it when all streams have ended. */
  finish(): { readonly choices: readonly WholeChoice[]; readonly usage: Usage } {
    const usages: Usage[] = [];
    const choices = this.#choices.map(({ text, calls, logprobs, end }): WholeChoice => {
      if (end === undefined) {
        throw new TypeError("Cannot answer as generation ended without 'end'");
      }
      usages.push(end.usage);
      return { text, calls, logprobs, finishReason: end.finishReason };
    });
    return { choices, usage: sumUsage(usages) };
  }
}

function addParts(choice: Gathering, parts: readonly ChoicePart[]): void {
  for (const { part, logprobs } of parts) {
    if (logprobs !== undefined) (choice.logprobs ??= []).push(...logprobs);
    if (part.kind === "text") choice.text += part.text;
    else if (part.kind === "call") {
      const call: WholeCall = { id: part.id, name: part.name, arguments: "" };
      choice.calls.push(call);
    } else {
      const call = choice.calls[part.index];
      if (call !== undefined) call.arguments += part.text;
    }
  }
}

/** What choices of one prompt took: the prompt counts once, as OpenAI counts it. */
export function sumUsage(usages: readonly Usage[]): Usage {
  const promptTokens = usages[0]?.promptTokens ?? 0;
  const completionTokens = usages.reduce((sum, usage) => sum + usage.completionTokens, 0);
  // The first choice is admitted first, so it says what was known when the request came.
  const cachedTokens = usages[0]?.cachedTokens ?? 0;
  return { promptTokens, cachedTokens, completionTokens };
}
