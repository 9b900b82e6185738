/**
 * What a benchmark asks of a process that holds one model, a line of JSON each way.
 *
 * Contenders are processes of their own, so that each runtime and each peer runs as it would alone;
 * only one of them works at a time.
 */

/** A question. */
export type Ask =
  | {
    readonly op: "load";
    readonly path: string;
    readonly threads: number;
    /** Whether the whole context is to be computed once, so that all of its memory is resident. */
    readonly touched: boolean;
  }
  /** Computes `count` tokens of a fresh sequence together. */
  | { readonly op: "prefill"; readonly count: number }
  /** Computes `count` tokens one after the other, greedily. */
  | { readonly op: "decode"; readonly count: number }
  /** Computes `count` tokens together, and chooses after each, as who verifies an answer does. */
  | { readonly op: "verify"; readonly count: number };

/** An answer to each. */
export interface Answer {
  /** Time of the work. */
  readonly ms: number;
  /** Tokens computed, or bytes loaded. */
  readonly units: number;
  /** Of a load: resident bytes of the process afterwards. */
  readonly rssBytes?: number;
  /** Of a load: bytes of weights and of keys and values that the contender says it holds. */
  readonly heldBytes?: number;
  /** What computes, for the report: a library's name or features. */
  readonly detail?: string;
}

/** Token `i` of the prompt that all contenders compute. */
export function promptToken(i: number, vocabularySize: number): number {
  return i === 0 ? 1 : (i * 7919) % vocabularySize;
}

/** Answers questions on standard input until it ends. */
export async function answerLines(
  answer: (ask: Ask) => Promise<Answer>,
  io: { readonly input: AsyncIterable<string>; readonly print: (line: string) => void },
): Promise<void> {
  for await (const line of io.input) {
    try {
      io.print(JSON.stringify(await answer(JSON.parse(line) as Ask)));
    } catch (thrown) {
      io.print(
        JSON.stringify({ error: thrown instanceof Error ? thrown.message : String(thrown) }),
      );
    }
  }
}
