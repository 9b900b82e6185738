/**
 * One request's tokens on the executor: computed in steps, one layer after the other, so that a
 * caller who goes away is noticed within one layer and others get their turn in between.
 */
import type { Executor, Session } from "../../engine/mod.ts";
import type { Clock } from "../../ports/mod.ts";
import { breatheAfterMs } from "./limits.ts";
import type { Turnstile } from "./turnstile.ts";

/** What a sequence computes with. */
export interface SequenceOptions {
  readonly executor: Executor;
  /** Shared by all sequences of the executor. */
  readonly turnstile: Turnstile;
  readonly clock: Clock;
  /** Tokens of one step. */
  readonly chunk: number;
  /** Stops the computation before its next layer. */
  readonly signal: AbortSignal;
}

/** A growing row of tokens; `close` gives its pages back. */
export class Sequence {
  readonly #options: SequenceOptions;
  readonly #session: Session;
  readonly #cachedTokens: number;
  #breathedMs: number;
  #closed = false;

  /** @throws {EngineError} "no-memory" when no page is free */
  constructor(options: SequenceOptions) {
    this.#options = options;
    this.#session = options.executor.openSession();
    this.#cachedTokens = this.#session.positionCount;
    this.#breathedMs = options.clock.monotonicMs();
  }

  /**
   * Appends tokens (at least one) and computes what follows the last of them.
   *
   * @returns logits of the position after the last token; valid until the next call
   * @throws the signal's reason when it aborts
   * @throws {EngineError} when the executor fails
   */
  async extend(tokens: Uint32Array): Promise<Float32Array> {
    const { chunk, executor, turnstile } = this.#options;
    let last: Float32Array = new Float32Array(0);
    for (let from = 0; from < tokens.length; from += chunk) {
      const step = tokens.subarray(from, from + chunk);
      last = await turnstile.turn(() => this.#step(step));
    }
    return await turnstile.turn(() => executor.head(last));
  }

  /** Tokens at the beginning that were taken over from earlier sequences instead of computed. */
  get cachedTokens(): number {
    return this.#cachedTokens;
  }

  /** Gives the pages back; harmless when called twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#session.drop();
  }

  /** The hidden state of the step's last position. */
  async #step(tokens: Uint32Array): Promise<Float32Array> {
    const { executor, signal } = this.#options;
    const { layers, shape } = executor;
    const firstPosition = this.#session.positionCount;
    const batch = [{ session: this.#session, firstPosition, positionCount: tokens.length }];
    signal.throwIfAborted();
    let hidden = await executor.embed(tokens);
    for (let layer = layers.from; layer < layers.to; layer++) {
      await this.#breathe();
      signal.throwIfAborted();
      hidden = await executor.forward({ from: layer, to: layer + 1 }, batch, hidden);
    }
    return hidden.slice((tokens.length - 1) * shape.width);
  }

  /** Lets sockets and timers run when computing has kept them waiting. */
  async #breathe(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#breathedMs < breatheAfterMs) return;
    await clock.sleep(0);
    this.#breathedMs = clock.monotonicMs();
  }
}
