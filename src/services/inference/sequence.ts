/**
 * One request's tokens on the executor: what generation sees of batching, of prefixes that are known
 * already and of speculation.
 *
 * Speculation drafts tokens by looking them up in the sequence itself and computes them along with
 * the token that is asked for. Which token comes next is the sampler's choice from the same logits
 * either way: a draft only decides whether they have been computed before they are asked for.
 */
import type { Session } from "../../engine/mod.ts";
import type { BatchMember, Rows } from "./batch_member.ts";
import type { Batcher } from "./batcher.ts";
import { DraftSize } from "./draft_size.ts";
import { PromptLookup } from "./prompt_lookup.ts";

/** What a sequence computes with. */
export interface SequenceOptions {
  /** Shared by all sequences of the executor. */
  readonly batcher: Batcher;
  /** Tokens that are drafted at once at most; 0 for no speculation. */
  readonly speculate: number;
  /** Positions that it may have. */
  readonly contextMax: number;
  /** Ends the computation. */
  readonly signal: AbortSignal;
  /** Monotonic time after which nobody wants it. @default never */
  readonly dueMs?: number;
  /** Told of each draft that has come to an end. */
  readonly onDrafted?: (drafted: number, accepted: number) => void;
}

interface Ahead {
  readonly drafts: readonly number[];
  /** One more than there are drafts; the first has been handed out. */
  readonly rows: Rows;
  accepted: number;
}

/** A growing row of tokens; `close` gives its pages back. */
export class Sequence {
  readonly #options: SequenceOptions;
  readonly #member: BatchMember;
  readonly #size: DraftSize;
  readonly #lookup = new PromptLookup();
  #ahead: Ahead | undefined;

  constructor(options: SequenceOptions) {
    this.#options = options;
    this.#member = options.batcher.join(options.signal, options.dueMs);
    this.#size = new DraftSize(options.speculate);
  }

  /**
   * Appends tokens (at least one) and computes what follows the last of them.
   *
   * @returns logits of the position after the last token; valid until the next call
   * @throws the signal's reason when it aborts
   * @throws {EngineError} when the executor fails
   */
  async extend(tokens: Uint32Array): Promise<Float32Array> {
    if (this.#options.speculate > 0) this.#lookup.push(tokens);
    const known = this.#takeAhead(tokens);
    if (known !== undefined) return known;
    const drafts = this.#draft(tokens);
    const rows = await this.#member.compute(tokens, drafts);
    // A batch may have had no room for drafts.
    if (rows.length > 1) this.#ahead = { drafts, rows, accepted: 0 };
    return rows[0] ?? new Float32Array(0);
  }

  /** Tokens at the beginning that were taken over from earlier sequences instead of computed. */
  get cachedTokens(): number {
    return this.#member.cachedTokens;
  }

  /** The executor's session, while it has one. */
  get session(): Session | undefined {
    return this.#member.session;
  }

  /** Gives the pages back; harmless when called twice. */
  close(): void {
    this.#endAhead();
    this.#member.leave();
  }

  /** The logits after `tokens` when they are what was drafted. */
  #takeAhead(tokens: Uint32Array): Float32Array | undefined {
    const ahead = this.#ahead;
    const [token] = tokens;
    if (ahead === undefined || token === undefined) return undefined;
    if (tokens.length !== 1 || ahead.drafts[ahead.accepted] !== token) {
      this.#endAhead();
      return undefined;
    }
    this.#member.accept(token);
    ahead.accepted++;
    const row = ahead.rows[ahead.accepted];
    if (ahead.accepted === ahead.rows.length - 1) this.#endAhead();
    return row;
  }

  #endAhead(): void {
    if (this.#ahead === undefined) return;
    const { rows, accepted } = this.#ahead;
    this.#size.learn(rows.length - 1, accepted);
    this.#options.onDrafted?.(rows.length - 1, accepted);
    this.#ahead = undefined;
  }

  #draft(tokens: Uint32Array): number[] {
    const { batcher, contextMax, speculate } = this.#options;
    if (speculate === 0 || tokens.length > 1) return [];
    const left = contextMax - this.#member.tokens.length - tokens.length;
    const room = Math.min(left, batcher.draftsMax(this.#size.acceptance));
    const count = this.#size.next(Math.max(0, room));
    return count > 0 ? this.#lookup.draft(count) : [];
  }
}
