/** Reads the answer to a call that somebody waits for. */
import { parseResponse } from "./json_rpc.ts";
import { RemoteCallError, WireError } from "./wire_error.ts";

/** Whoever waits for an answer. */
export interface Waiting {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** Tells what `text`, the response to the request `id`, says. */
export function settle(waiting: Waiting, text: string, id: number): void {
  try {
    const outcome = parseResponse(text, id);
    if ("error" in outcome) waiting.reject(new RemoteCallError(outcome.error));
    else waiting.resolve(outcome.result);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    waiting.reject(new WireError({ code: "bad-response", message: detail, cause }));
  }
}

/** The error of a response that names no call. */
export function outcomeError(text: string): Error {
  const refused: { error?: unknown } = {};
  settle({ resolve: () => {}, reject: (error) => void (refused.error = error) }, text, 0);
  if (refused.error instanceof Error) return refused.error;
  const message = "Cannot read the answer as it must name the call that it answers";
  return new WireError({ code: "bad-response", message });
}
