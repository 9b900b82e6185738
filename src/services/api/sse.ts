/**
 * Server-sent events as OpenAI's clients read them, and the stream that carries them.
 *
 * Format: WHATWG HTML, section 9.2 (event streams). One event is one `data:` line of JSON, which
 * has no line breaks of its own; a line that starts with a colon is a comment.
 */
import type { Clock } from "../../ports/mod.ts";

/** What ends an OpenAI stream. */
export const DONE_EVENT = "data: [DONE]\n\n";

/** A comment that keeps a connection from looking dead. */
export const KEEP_ALIVE_COMMENT = ": working\n\n";

/** One event. `JSON.stringify` escapes line breaks, so the value stays on its line. */
export function encodeEvent(value: unknown): string {
  return `data: ${JSON.stringify(value)}\n\n`;
}

/** What `eventStream` needs. */
export interface EventStreamOptions {
  readonly clock: Clock;
  /** A comment goes out when no event did for this long. */
  readonly keepAliveMs: number;
  /** Called once when the reader goes away before the end. */
  readonly onCancel: () => void;
}

/**
 * A byte stream of `events`. It asks for the next event only when the reader asks for bytes, so a
 * client that reads slowly slows generation and nothing piles up here.
 */
export function eventStream(
  events: AsyncIterable<string>,
  options: EventStreamOptions,
): ReadableStream<Uint8Array> {
  const iterator = events[Symbol.asyncIterator]();
  const encoder = new TextEncoder();
  let pending: Promise<IteratorResult<string>> | undefined;
  return new ReadableStream<Uint8Array>({
    async pull(controller): Promise<void> {
      pending ??= iterator.next();
      const next = await firstOf(pending, options);
      if (next === undefined) {
        controller.enqueue(encoder.encode(KEEP_ALIVE_COMMENT));
        return;
      }
      pending = undefined;
      if (next.done === true) controller.close();
      else controller.enqueue(encoder.encode(next.value));
    },
    cancel(): void {
      options.onCancel();
      pending?.catch(ignore);
      // The generator ends at its next step; nobody waits for it here.
      iterator.return?.().catch(ignore);
    },
  }, { highWaterMark: 0 });
}

/** What `pending` gives, or undefined when the keep-alive time passes first. */
async function firstOf(
  pending: Promise<IteratorResult<string>>,
  options: EventStreamOptions,
): Promise<IteratorResult<string> | undefined> {
  const elapsed = Promise.withResolvers<undefined>();
  const timer = options.clock.after(options.keepAliveMs, () => elapsed.resolve(undefined));
  try {
    return await Promise.race([pending, elapsed.promise]);
  } finally {
    timer.cancel();
  }
}

function ignore(): void {}
