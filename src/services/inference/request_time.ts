/**
 * The time that one request has, waiting included: when it is over the request ends, and nodes that
 * compute for it drop what they have not begun.
 */
import { RpcError } from "../../kernel/mod.ts";
import type { Clock, Timer } from "../../ports/mod.ts";

/** A request's time. */
export class RequestTime {
  /** Monotonic time at which it is over. */
  readonly dueMs: number;
  readonly #over = new AbortController();
  readonly #timer: Timer;

  constructor(clock: Clock, requestMsMax: number) {
    this.dueMs = clock.monotonicMs() + requestMsMax;
    this.#timer = clock.after(requestMsMax, () => this.#over.abort(late(requestMsMax)));
  }

  /** Aborts with an RpcError "deadline" when it is over. */
  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** The request has ended. */
  end(): void {
    this.#timer.cancel();
  }
}

function late(requestMsMax: number): RpcError {
  return new RpcError({
    kind: "deadline",
    message: `Cannot finish the answer in time: a request has ${requestMsMax} ms`,
  });
}
