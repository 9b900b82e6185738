/**
 * The end of all requests of one model: because the node stops, or because the executor broke.
 */
import type { EngineError } from "../../engine/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { broken, cancelled, engineFailure, stopping } from "./engine_failure.ts";

/** Says whether requests are taken, ends those that run, and tells each why it failed. */
export class Closing {
  readonly #host: Pick<Host, "clock" | "log">;
  readonly #forced = new AbortController();
  #isClosing = false;
  #broken: RpcError | undefined;

  constructor(host: Pick<Host, "clock" | "log">) {
    this.#host = host;
  }

  /** Aborts when running requests are to end. */
  get signal(): AbortSignal {
    return this.#forced.signal;
  }

  /** @throws {RpcError} "unavailable" when no more requests are taken */
  assertOpen(): void {
    if (this.#isClosing) throw this.#broken ?? stopping();
  }

  /** Takes no more requests, lets the others finish within `drainMs`, then ends them. */
  async drain(drainMs: number, whenIdle: () => Promise<unknown>): Promise<void> {
    this.#isClosing = true;
    const timer = this.#host.clock.after(drainMs, () => this.#forced.abort());
    await whenIdle();
    timer.cancel();
  }

  /** Ends all requests as the executor can compute no more. */
  break(cause: EngineError): void {
    this.#isClosing = true;
    this.#broken = broken(cause);
    this.#forced.abort();
  }

  /** What the caller of a request is told that has thrown; `signal` is the request's. */
  failure(thrown: unknown, signal: AbortSignal): RpcError {
    if (this.#broken !== undefined) return this.#broken;
    if (thrown instanceof RpcError) return thrown;
    if (this.#forced.signal.aborted) return stopping();
    if (signal.reason instanceof RpcError && signal.reason.kind === "deadline") {
      return signal.reason;
    }
    if (signal.aborted) return cancelled();
    this.#host.log.error("A request failed", { thrown });
    return engineFailure(thrown);
  }
}
