/**
 * One sequence's place in the batcher: its tokens, its session while it has one, and what it waits
 * for.
 *
 * The session can be taken away between two steps when pages are short; the tokens stay, and what
 * was lost is computed again, to the same bits.
 */
import type { ModelExecutor, Session, StepEntry } from "../../engine/mod.ts";
import { pagePositions } from "./limits.ts";

/** Logits of the row after the last token, and after each draft that was computed with it. */
export type Rows = readonly Float32Array[];

interface Asked {
  readonly drafts: readonly number[];
  readonly resolve: (rows: Rows) => void;
  readonly reject: (reason: unknown) => void;
}

/** A sequence in the batcher; the batcher alone calls what is not `compute`, `leave` or a getter. */
export class BatchMember {
  readonly signal: AbortSignal;
  readonly #dueMs: number | undefined;
  readonly #executor: ModelExecutor;
  readonly #onChange: () => void;
  readonly #tokens: number[] = [];
  #session: Session | undefined;
  #asked: Asked | undefined;
  #left = false;
  #cachedTokens: number | undefined;
  /** Whether it let time pass since its last step, and has not asked again. */
  isSlow = false;

  constructor(
    executor: ModelExecutor,
    options: {
      readonly signal: AbortSignal;
      readonly dueMs: number | undefined;
      /** Told when it asks for something, leaves, or its signal aborts. */
      readonly onChange: () => void;
    },
  ) {
    this.#executor = executor;
    this.signal = options.signal;
    this.#dueMs = options.dueMs;
    this.#onChange = options.onChange;
    options.signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  /**
   * Appends tokens (at least one), and computes what follows the last of them.
   *
   * @param drafts tokens that may come next, computed along when there is room for them
   * @throws the signal's reason when it aborts
   * @throws {EngineError} when the executor fails
   */
  async compute(tokens: Iterable<number>, drafts: readonly number[] = []): Promise<Rows> {
    this.signal.throwIfAborted();
    const known = this.#tokens.length;
    for (const token of tokens) this.#tokens.push(token);
    // What the session holds beyond are drafts that came to nothing.
    if (this.positionCount > known) this.#session?.truncate(known);
    const { promise, resolve, reject } = Promise.withResolvers<Rows>();
    this.#asked = { drafts, resolve, reject };
    this.isSlow = false;
    this.#onChange();
    return await promise;
  }

  /** Notes a draft that was right: its position stays. */
  accept(token: number): void {
    this.#tokens.push(token);
  }

  /** Gives everything back, at the latest after the running step; harmless when called twice. */
  leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.signal.removeEventListener("abort", this.#onAbort);
    this.reject(new RangeError("Cannot compute a sequence as it has left"));
    this.#onChange();
  }

  /** Tokens that it did not have to compute when it began. */
  get cachedTokens(): number {
    return this.#cachedTokens ?? this.#session?.reusedPositions ?? 0;
  }

  /** Its tokens so far, drafts not counted. */
  get tokens(): readonly number[] {
    return this.#tokens;
  }

  /** Whether it waits for rows. */
  get isAsking(): boolean {
    return this.#asked !== undefined && !this.#left && !this.signal.aborted;
  }

  /** Whether it wants nothing any more. */
  get isGone(): boolean {
    return this.#left || this.signal.aborted;
  }

  /** Whether it has a session. */
  get isOpen(): boolean {
    return this.#session !== undefined;
  }

  /** Whether `session` is its own, and still open. */
  holds(session: Session): boolean {
    return this.#session === session;
  }

  /** Its session, while it has one. */
  get session(): Session | undefined {
    return this.#session;
  }

  /** Positions that its session holds. */
  get positionCount(): number {
    return this.#session?.positionCount ?? 0;
  }

  /** Tokens that are yet to be computed, at least 1 while it asks. */
  get pending(): number {
    return this.#tokens.length - this.positionCount;
  }

  /** Drafts to compute along; none while more than the last token is pending. */
  get drafts(): readonly number[] {
    return this.pending === 1 ? this.#asked?.drafts ?? [] : [];
  }

  /** Opens a session. @throws {EngineError} "no-memory" */
  open(): void {
    this.#session = this.#executor.openSession({
      prefix: Uint32Array.from(this.#tokens),
      ...(this.#dueMs === undefined ? {} : { dueMs: this.#dueMs }),
    });
    if (this.#session.reusedPositions === undefined) this.#cachedTokens ??= this.positionCount;
  }

  /** Gives the session back. */
  close(): void {
    this.#cachedTokens ??= this.#session?.reusedPositions;
    this.#session?.drop();
    this.#session = undefined;
  }

  /** New pages that `rows` more rows take. */
  pagesFor(rows: number): number {
    const held = Math.ceil(this.positionCount / pagePositions);
    return Math.max(0, Math.ceil((this.positionCount + rows) / pagePositions) - held);
  }

  /** Its part of a step, with `drafts` of its drafts; undefined without a session. */
  entry(rows: number, drafts: number): StepEntry | undefined {
    if (this.#session === undefined) return undefined;
    const from = this.positionCount;
    const tokens = [
      ...this.#tokens.slice(from, from + rows),
      ...this.drafts.slice(0, drafts),
    ];
    const logits = rows < this.pending ? "none" : drafts > 0 ? "all" : "last";
    return { session: this.#session, tokens: Uint32Array.from(tokens), logits };
  }

  /** Hands over what it waits for. */
  resolve(rows: Rows): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.resolve(rows);
  }

  /** Fails what it waits for. */
  reject(reason: unknown): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.reject(reason);
  }

  readonly #onAbort = (): void => {
    this.reject(this.signal.reason);
    this.#onChange();
  };
}
