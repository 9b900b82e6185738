/**
 * A whole answer, gathered from the items of its choices.
 */
import type { FinishReason, ListedToken, Usage } from "../inference/mod.ts";
import type { WholeChoice } from "./answers.ts";
import type { ChoiceItem } from "./choices.ts";

interface Gathering {
  text: string;
  logprobs: ListedToken[] | undefined;
  end: { readonly finishReason: FinishReason; readonly usage: Usage } | undefined;
}

/** What a whole answer is made of. */
export class GatheredAnswer {
  readonly #choices: readonly Gathering[];

  /** @param options `echo` is the text that each choice begins with */
  constructor(options: { readonly count: number; readonly echo: string }) {
    this.#choices = Array.from({ length: options.count }, () => ({
      text: options.echo,
      logprobs: undefined,
      end: undefined,
    }));
  }

  /** Takes the next item of any choice. */
  add({ index, item }: ChoiceItem): void {
    const choice = this.#choices[index];
    if (choice === undefined || item.type === "start") return;
    if (item.type === "end") choice.end = item;
    else choice.text += item.text;
    if (item.logprobs !== undefined) (choice.logprobs ??= []).push(...item.logprobs);
  }

  /** The choices and what they took together; call it when all streams have ended. */
  finish(): { readonly choices: readonly WholeChoice[]; readonly usage: Usage } {
    const usages: Usage[] = [];
    const choices = this.#choices.map(({ text, logprobs, end }): WholeChoice => {
      if (end === undefined) {
        throw new TypeError("Cannot answer as generation ended without 'end'");
      }
      usages.push(end.usage);
      return { text, logprobs, finishReason: end.finishReason };
    });
    return { choices, usage: sumUsage(usages) };
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
