/**
 * The choices of one answer: each is a request of its own to the inference service, with a seed that
 * follows from the first one's, so that choice `i` can be had again by itself.
 */
import type { Host } from "../../kernel/mod.ts";
import type { GenerateItem, GenerateParams } from "../inference/mod.ts";
import { merge } from "./merge.ts";

type Start = GenerateItem & { readonly type: "start" };

/** An item of one of the choices. */
export interface ChoiceItem {
  readonly index: number;
  readonly item: GenerateItem;
}

/** Choices that were accepted, and may be computed or waiting. */
export interface Choices {
  readonly start: Start;
  /** Items as they come, each choice's in order. */
  readonly items: AsyncIterator<ChoiceItem>;
  /** Ends generation, whatever it is doing; harmless when it has ended. */
  readonly end: () => void;
}

/** What opening takes. */
export interface ChoiceOptions {
  readonly host: Host;
  readonly params: GenerateParams;
  readonly count: number;
}

/** The seed of a choice: the first one's and the index, below 2^53. */
export function seedOfChoice(seed: number, index: number): number {
  const room = Number.MAX_SAFE_INTEGER - seed;
  return index <= room ? seed + index : index - room - 1;
}

/**
 * Asks for the choices, one after the other; `onClose` is called with the way to end them.
 *
 * @throws what the inference service refuses; then nothing is left running
 */
export async function openChoices(
  options: ChoiceOptions,
  onClose: (end: () => void) => void,
): Promise<Choices> {
  const { host, params, count } = options;
  const abort = new AbortController();
  const streams: AsyncIterator<GenerateItem>[] = [];
  function end(): void {
    abort.abort();
    // The abort alone does not reach a stream whose last item nobody has taken further.
    for (const stream of streams) stream.return?.().catch(() => {});
  }
  onClose(end);
  async function open(change: Partial<GenerateParams>): Promise<Start> {
    const asked = { ...params, ...change };
    const stream = host.stream("inference", "generate", asked, abort.signal);
    const items = stream[Symbol.asyncIterator]() as AsyncIterator<GenerateItem>;
    streams.push(items);
    const first = await items.next();
    if (first.done !== true && first.value.type === "start") return first.value;
    throw new TypeError("Cannot answer as the inference service did not begin with 'start'");
  }
  try {
    const start = await open({});
    for (let index = 1; index < count; index++) {
      const requestId = `${params.requestId}-${index}`;
      await open({ requestId, seed: seedOfChoice(start.seed, index) });
    }
    const items = streams.length === 1 && streams[0] !== undefined
      ? single(streams[0])
      : merge(streams);
    return { start, items, end };
  } catch (thrown) {
    end();
    throw thrown;
  }
}

async function* single(stream: AsyncIterator<GenerateItem>): AsyncGenerator<ChoiceItem> {
  for (;;) {
    const { done, value } = await stream.next();
    if (done === true) return;
    yield { index: 0, item: value };
  }
}
