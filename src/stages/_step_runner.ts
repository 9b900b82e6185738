/**
 * One step of a pipeline, until it is done: whatever is lost meanwhile is replaced, what the
 * replacement lacks is computed again, and the step begins anew.
 */
import type { StepEntry } from "../engine/mod.ts";
import { AbortListener, KeptController } from "../hot/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { engineErrorOf } from "./_engine_refusals.ts";
import type { FlightEntry } from "./_flight_rows.ts";
import type { FlightDeck } from "./_flights.ts";
import type { PipelineEvent } from "./pipeline_events.ts";
import type { PipelineSession } from "./_pipeline_session.ts";
import type { PipelineStage } from "./_pipeline_stage.ts";
import type { RouteKeeper, RouteState } from "./_route_keeper.ts";
import type { SessionOpener } from "./_session_opener.ts";
import type { StageWatch } from "./_stage_watch.ts";
import { StageFailure } from "./_switchboard.ts";
import type { Switchboard } from "./_switchboard.ts";

/** Failures in a row of one step that are met by opening its sessions again. */
const reopensMax = 8;

/** Failures of one step, of whatever kind. */
const attemptsMax = 64;

/** An entry of this pipeline. */
export interface OwnEntry {
  readonly session: PipelineSession;
  readonly tokens: Uint32Array;
  readonly logits: StepEntry["logits"];
}

/** How a step is called. */
export interface StepCall {
  readonly signal: AbortSignal | undefined;
  /** Rows to begin with, instead of the tokens' embedding. */
  readonly hidden?: Float32Array;
  readonly content: "activations" | "logits";
}

/** One try of a step. */
interface Attempt extends StepCall {
  readonly signal: AbortSignal;
  /** Ends it. */
  readonly onFailed: (reason: unknown) => void;
}

/** What a runner works with. */
export interface StepRunnerOptions {
  readonly root: string;
  readonly width: number;
  /** This node. */
  readonly self: string;
  readonly clock: Clock;
  readonly board: Switchboard;
  readonly keeper: RouteKeeper;
  readonly opener: SessionOpener;
  readonly deck: FlightDeck;
  readonly watch: StageWatch;
  readonly sessions: ReadonlySet<PipelineSession>;
  readonly onEvent: (event: PipelineEvent) => void;
}

/** Runs the steps of one pipeline, one at a time. */
export class StepRunner {
  readonly #options: StepRunnerOptions;
  readonly #stops = new KeptController();
  readonly #aborts = new AbortListener();
  #skippedPositions = 0;

  constructor(options: StepRunnerOptions) {
    this.#options = options;
  }

  /** Positions that stages held already when they were to be computed. */
  get skippedPositions(): number {
    return this.#skippedPositions;
  }

  /**
   * Computes entries, however many stages are lost meanwhile.
   *
   * @throws {EngineError}, {StageError}; the signal's reason
   */
  async run(entries: readonly OwnEntry[], call: StepCall): Promise<Float32Array> {
    const { board } = this.#options;
    for (let attempts = 0;; attempts++) {
      call.signal?.throwIfAborted();
      const stop = this.#stops.take();
      const onFailed = (reason: unknown): void => {
        stop.abort(reason);
        board.fail(reason);
      };
      const release = this.#aborts.attend(call.signal, () => onFailed(call.signal?.reason));
      try {
        return await this.#attempt(entries, { ...call, signal: stop.signal, onFailed });
      } catch (thrown) {
        onFailed(thrown);
        call.signal?.throwIfAborted();
        this.#meet(thrown, attempts);
        for (const { session } of entries) session.unsettle();
      } finally {
        release();
      }
    }
  }

  async #attempt(entries: readonly OwnEntry[], call: Attempt): Promise<Float32Array> {
    const { keeper, watch, opener, deck } = this.#options;
    const route = await keeper.take(call.signal);
    const { stages } = route;
    const release = watch.begin(stages);
    try {
      await opener.ready(entries.map(({ session }) => session), route);
      for (const { session, tokens } of entries) session.meet(tokens);
      const starts = entries.map((entry) => startOf(entry, { route, call }));
      await Promise.all(
        entries.map(({ session, tokens }, i) =>
          this.#catchUp(session, { to: starts[i] ?? 0, next: tokens, route, call })
        ),
      );
      const flown = entries.flatMap((entry, i) => flightOf(entry, starts[i] ?? 0));
      const values = flown.length === 0
        ? new Float32Array()
        : await deck.fly(flown, { ...call, stages, deadlineMs: this.#leftMs(flown) });
      for (const { session, firstPosition, tokens } of flown) {
        note(session, { stages, held: firstPosition + tokens.length });
      }
      entries.forEach(({ session }, i) => {
        const skipped = (starts[i] ?? 0) - session.chain.length;
        session.reusedPositions += skipped;
        this.#skippedPositions += skipped;
      });
      return values;
    } finally {
      release();
    }
  }

  /** Computes positions again for stages that do not hold them, through the stages before them. */
  async #catchUp(
    session: PipelineSession,
    { to, next, route, call }: {
      /** Positions that all stages are to hold. */
      readonly to: number;
      /** Tokens that follow the session's. */
      readonly next: Uint32Array;
      readonly route: RouteState;
      readonly call: Attempt;
    },
  ): Promise<void> {
    const valid = route.stages.map((stage) => session.shares.get(stage)?.valid ?? 0);
    const last = valid.findLastIndex((count) => count < to);
    if (last < 0) return;
    const from = Math.min(...valid.slice(0, last + 1));
    const stages = route.stages.slice(0, last + 1);
    const { clock, root, width, deck, onEvent } = this.#options;
    const beganMs = clock.monotonicMs();
    const tokens = tokensBetween(session, { from, to, next });
    const entry = { session, firstPosition: from, tokens, wanted: "none" } as const;
    const { signal, onFailed } = call;
    const deadlineMs = this.#leftMs([entry]);
    await deck.fly([entry], { stages, content: "activations", deadlineMs, signal, onFailed });
    note(session, { stages, held: to });
    const positions = to - from;
    const bytes = positions * (4 + last * width * 4);
    const ms = clock.monotonicMs() - beganMs;
    onEvent({ kind: "replayed", root, session: session.id, positions, bytes, ms });
  }

  /** Time until nobody wants any of the entries; 0 for all time. */
  #leftMs(entries: readonly { readonly session: PipelineSession }[]): number {
    const dueMs = Math.max(...entries.map(({ session }) => session.dueMs));
    if (dueMs === Infinity) return 0;
    const leftMs = Math.ceil(dueMs - this.#options.clock.monotonicMs());
    return Math.max(1, Math.min(0xffffffff, leftMs));
  }

  /** Decides what a failure means: returns when the step is to be tried again, throws when not. */
  #meet(thrown: unknown, attempts: number): void {
    if (!(thrown instanceof StageFailure)) throw thrown;
    const { error, stage, about } = thrown;
    const { keeper, self, sessions } = this.#options;
    if (attempts >= attemptsMax) throw error;
    switch (error.code) {
      case "lost":
        return;
      case "no-memory":
      case "context-full":
        throw engineErrorOf(error) ?? error;
      case "deadline":
      case "closed":
        throw error;
      case "successor-lost":
        if (about !== undefined) return keeper.losePeer(about, error.message);
        break;
      case "unknown-session":
      case "out-of-order":
        if (attempts >= reopensMax) break;
        for (const session of sessions) session.route = undefined;
        return;
      case "not-a-number":
        // Rows that came broken are the fault of who sent them.
        if (about === undefined || about === self) throw engineErrorOf(error) ?? error;
        return keeper.losePeer(about, error.message);
    }
    if (stage === undefined) throw error;
    stage.lose(`it refuses: ${error.message}`);
  }
}

/** The first position that has to be computed: what all stages hold of it is skipped. */
function startOf(
  { session, tokens, logits }: OwnEntry,
  { route, call }: { readonly route: RouteState; readonly call: StepCall },
): number {
  const first = session.chain.length;
  if (logits === "all" || call.hidden !== undefined) return first;
  const end = first + tokens.length - (logits === "last" ? 1 : 0);
  const valid = route.stages.map((stage) => session.shares.get(stage)?.valid ?? 0);
  return Math.max(first, Math.min(end, ...valid));
}

/** The rest of an entry from a position on; nothing when it is held already. */
function flightOf({ session, tokens, logits }: OwnEntry, start: number): FlightEntry[] {
  const skipped = start - session.chain.length;
  if (skipped === tokens.length) return [];
  return [{ session, firstPosition: start, tokens: tokens.subarray(skipped), wanted: logits }];
}

/** Tokens of positions, of which the last ones may be those that are about to be computed. */
function tokensBetween(
  { chain }: PipelineSession,
  { from, to, next }: { readonly from: number; readonly to: number; readonly next: Uint32Array },
): Uint32Array {
  const tokens = new Uint32Array(to - from);
  const known = chain.slice(from, Math.max(from, Math.min(to, chain.length)));
  tokens.set(known);
  const begin = from + known.length - chain.length;
  if (to > chain.length) tokens.set(next.subarray(begin, to - chain.length), known.length);
  return tokens;
}

/** Notes what stages hold, after all has gone well. */
function note(
  { shares }: PipelineSession,
  { stages, held }: { readonly stages: readonly PipelineStage[]; readonly held: number },
): void {
  for (const stage of stages) {
    const share = shares.get(stage);
    if (share === undefined) continue;
    share.held = held;
    share.valid = held;
  }
}
