/**
 * Computes all sequences of one model together: one loop, one step after the other.
 *
 * A step holds the next token of every sequence that decodes (and its drafts), and as much of the
 * waiting prompts as lets the others' next token come in time (batch_plan.ts). Sequences join and
 * leave between two steps. What one sequence does wrong, or what is wrong with it, concerns that
 * sequence only. Results do not depend on who shares a step: that is the numeric class's promise.
 *
 * When pages are short, sequences begin in the order of their arrival, and the youngest gives its
 * session back; it goes on when there is room again. The oldest always has all pages to itself if
 * need be, so everybody's turn comes.
 */
import { EngineError } from "../../engine/mod.ts";
import type { ModelExecutor } from "../../engine/mod.ts";
import { KeptController } from "../../hot/mod.ts";
import type { Clock } from "../../ports/mod.ts";
import { BatchMember } from "./batch_member.ts";
import type { Rows } from "./batch_member.ts";
import { rowsOf, StepMaker } from "./step_maker.ts";
import type { PlannedEntry, PlannedLayers } from "./step_maker.ts";
import { breatheAfterMs, gatherMs, gatherShare, gatherTurns } from "./limits.ts";

/** What a step was, for the meters. */
export interface StepReport {
  readonly sequences: number;
  readonly decodingRows: number;
  readonly promptRows: number;
  readonly ms: number;
}

/** What a batcher works with. */
export interface BatcherOptions {
  readonly executor: ModelExecutor;
  readonly clock: Clock;
  /** Prompt rows of one step at most. */
  readonly promptChunk: number;
  /** Whether the executor runs some layers by themselves: one that is spread over nodes does not. @default true */
  readonly isLayered?: boolean;
  /** Told after each step. */
  readonly onStep?: (report: StepReport) => void;
  /** Told when pages may have been taken or given back. */
  readonly onPages?: () => void;
  /** Told when a sequence had to give its session back. */
  readonly onPreempted?: () => void;
}

/** The loop over one executor. */
export class Batcher {
  readonly #options: BatcherOptions;
  readonly #maker: StepMaker;
  readonly #members = new Set<BatchMember>();
  readonly #stops = new KeptController();
  #isRunning = false;
  #breathedMs: number;
  /** The step that is being computed. */
  #step: { readonly members: readonly BatchMember[]; readonly stop: AbortController } | undefined;
  /** Ends the wait between two steps. */
  #gathered: (() => void) | undefined;

  constructor(options: BatcherOptions) {
    this.#options = options;
    this.#breathedMs = options.clock.monotonicMs();
    const { executor, promptChunk, onPreempted, isLayered = true } = options;
    this.#maker = new StepMaker({ executor, promptChunk, onPreempted, isLayered });
  }

  /**
   * Takes in a sequence; it has no pages before it asks for something.
   *
   * @param dueMs monotonic time after which nobody wants what it asks for
   */
  join(signal: AbortSignal, dueMs?: number): BatchMember {
    const member: BatchMember = new BatchMember(this.#options.executor, {
      signal,
      dueMs,
      onChange: () => this.#onChange(member),
    });
    this.#members.add(member);
    return member;
  }

  /** Drafts that a sequence may hand in with its next token, as far as they pay. */
  draftsMax(acceptance: number): number {
    return this.#maker.draftsMax(this.#members, acceptance);
  }

  #onChange(member: BatchMember): void {
    if (member.isGone) this.#onGone(member);
    if (member.isAsking && !this.#isRunning) void this.#run();
    if (![...this.#members].some((one) => !one.isAsking && !one.isSlow)) this.#gathered?.();
  }

  #onGone(member: BatchMember): void {
    const { members = [], stop } = this.#step ?? {};
    if (!members.includes(member)) {
      member.close();
      this.#members.delete(member);
      this.#options.onPages?.();
    } else if (members.every((one) => one.isGone)) {
      stop?.abort();
    }
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    try {
      // Whoever asks at the same moment shares the first step.
      await Promise.resolve();
      for (;;) {
        const plan = this.#maker.make(this.#members);
        const { entries, layered } = plan;
        if (entries.length === 0 && layered === undefined) return;
        const { clock } = this.#options;
        const beganMs = clock.monotonicMs();
        const isDone = entries.length === 0 || await this.#compute(entries);
        const computedMs = clock.monotonicMs() - beganMs;
        const havePassed = layered === undefined || await this.#passLayers(layered);
        const passedMs = clock.monotonicMs() - beganMs - computedMs;
        await this.#gather(entries, beganMs);
        const ms = clock.monotonicMs() - beganMs;
        if (isDone && havePassed) this.#maker.learn(plan, { computedMs, passedMs, ms });
      }
    } catch (thrown) {
      // An executor that is closed answers nothing, not even how many positions it holds.
      for (const member of this.#members) member.reject(thrown);
    } finally {
      this.#isRunning = false;
    }
  }

  /** Returns whether all went well. */
  async #compute(entries: readonly PlannedEntry[]): Promise<boolean> {
    const members = entries.map(({ member }) => member);
    const stop = this.#stops.take();
    this.#step = { members, stop };
    const { clock, executor, onStep } = this.#options;
    const beganMs = clock.monotonicMs();
    try {
      const computing = executor.step(entries.map(({ entry }) => entry), stop.signal);
      const breath = this.#breathe();
      const logits = await computing;
      const ms = clock.monotonicMs() - beganMs;
      await breath;
      onStep?.({ sequences: entries.length, ...rowsOf(entries), ms });
      this.#deliver(entries, logits);
      return true;
    } catch (thrown) {
      if (!stop.signal.aborted) await this.#recover(entries, thrown);
      return false;
    } finally {
      this.#endStep(members);
    }
  }

  /**
   * Passes a chunk of a prompt through some layers, while those who were served choose; returns
   * whether all went well.
   */
  async #passLayers({ chunk, layers }: PlannedLayers): Promise<boolean> {
    const { member } = chunk;
    if (!chunk.isWanted) return false;
    const stop = this.#stops.take();
    this.#step = { members: [member], stop };
    const { clock, onStep } = this.#options;
    const beganMs = clock.monotonicMs();
    try {
      const row = await chunk.advance(layers, stop.signal);
      const ms = clock.monotonicMs() - beganMs;
      const promptRows = chunk.layersLeft === 0 ? chunk.range.rows : 0;
      onStep?.({ sequences: 1, decodingRows: 0, promptRows, ms });
      if (row !== undefined) member.resolve([row]);
      return true;
    } catch (thrown) {
      if (!member.isGone) chunk.undo();
      if (!stop.signal.aborted) this.#settle(member, thrown);
      return false;
    } finally {
      this.#endStep([member]);
    }
  }

  #endStep(members: readonly BatchMember[]): void {
    this.#step = undefined;
    for (const member of members) if (member.isGone) this.#onGone(member);
    this.#options.onPages?.();
  }

  #deliver(entries: readonly PlannedEntry[], logits: Float32Array): void {
    const { vocabularySize } = this.#options.executor.shape;
    let row = 0;
    for (const { member, entry } of entries) {
      const count = entry.logits === "all" ? entry.tokens.length : Number(entry.logits === "last");
      const rows: Rows = Array.from({ length: count }, (_, i) => {
        const from = (row + i) * vocabularySize;
        return logits.subarray(from, from + vocabularySize);
      });
      row += count;
      if (count > 0) member.resolve(rows);
    }
  }

  /** Finds whose fault it was: each alone again; nobody else is to notice. */
  async #recover(entries: readonly PlannedEntry[], thrown: unknown): Promise<void> {
    const [first] = entries;
    if (first !== undefined && entries.length === 1) return this.#settle(first.member, thrown);
    if (this.#isForAll(thrown)) return;
    for (const entry of entries) {
      const { member, entry: { session } } = entry;
      if (member.isAsking && member.holds(session)) await this.#compute([entry]);
    }
  }

  /** Fails a sequence, unless the failure is not of its making. */
  #settle(member: BatchMember, thrown: unknown): void {
    if (!this.#isForAll(thrown)) member.reject(thrown);
  }

  /** Answers failures that are nobody's fault: a broken executor, and pages that others give back. */
  #isForAll(thrown: unknown): boolean {
    if (isBroken(thrown)) {
      for (const member of this.#members) member.reject(thrown);
      return true;
    }
    return isShortage(thrown) && this.#maker.preempt(this.#members);
  }

  /** Lets sockets and timers run when computing may have kept them waiting; beside a step. */
  async #breathe(): Promise<void> {
    const { clock } = this.#options;
    if (clock.monotonicMs() - this.#breathedMs < breatheAfterMs) return;
    await clock.sleep(0);
    this.#breathedMs = clock.monotonicMs();
  }

  /** Waits a moment for those who were just served to ask for their next token. */
  async #gather(entries: readonly PlannedEntry[], beganMs: number): Promise<void> {
    const served = entries.map(({ member }) => member).filter((one) => this.#members.has(one));
    const late = (): BatchMember[] => served.filter((one) => !one.isAsking && !one.isGone);
    // Who chooses at once has asked again after these, and nobody needs a timer.
    for (let turn = 0; turn < gatherTurns && late().length > 0; turn++) await Promise.resolve();
    if (late().some((one) => !one.isSlow)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const { clock } = this.#options;
      const waitMs = Math.max(gatherMs, (clock.monotonicMs() - beganMs) * gatherShare);
      const timer = clock.after(waitMs, resolve);
      this.#gathered = resolve;
      await promise;
      timer.cancel();
      this.#gathered = undefined;
    }
    for (const member of served) member.isSlow = false;
    for (const member of late()) member.isSlow = true;
  }
}

/** The executor is of no use any more, to nobody. */
function isBroken(thrown: unknown): thrown is EngineError {
  return thrown instanceof EngineError && thrown.code === "thread-died";
}

function isShortage(thrown: unknown): boolean {
  return thrown instanceof EngineError && thrown.code === "no-memory";
}
