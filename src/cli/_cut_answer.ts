/** What `skep chat` says of an answer that was cut, since one that is looks like one that has ended. */
import { isRecord } from "./_records.ts";

/** An answer that ended with "length". */
export interface CutAnswer {
  /** `--max-tokens`. */
  readonly maxTokens: number | undefined;
  /** What the API said. */
  readonly usage: unknown;
}

/** One sentence; none where the user has asked for just this length. */
export function cutAnswerSentence({ maxTokens, usage }: CutAnswer): string | undefined {
  const told = isRecord(usage) ? usage : {};
  const { completion_tokens: answered, total_tokens: total } = told;
  if (maxTokens !== undefined && answered === maxTokens) return undefined;
  const size = typeof total === "number" ? ` of ${total} tokens, prompt and answer,` : "";
  return `The answer was cut as the context${size} is full: see inference.context and ` +
    `inference.maxTokens in "skep config show", or use a model with a longer one`;
}
