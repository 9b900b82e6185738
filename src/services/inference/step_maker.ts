/** Makes steps: who takes part in the next one, with how many rows, and on whose pages. */
import { EngineError } from "../../engine/mod.ts";
import type { ModelExecutor, StepEntry } from "../../engine/mod.ts";
import type { BatchMember } from "./batch_member.ts";
import { sharePrompts } from "./batch_plan.ts";
import { LayerPace } from "./layer_pace.ts";
import type { PacedTime } from "./layer_pace.ts";
import { LayeredChunk } from "./layered_chunk.ts";
import {
  deepFactor,
  gapFactor,
  layeredRowsMax,
  mixedRowsMin,
  pagePositions,
  promptStepMs,
  speculatingRowsMax,
} from "./limits.ts";
import { StepTimes } from "./step_times.ts";
import { WorkModel } from "./work.ts";
import type { RowRange } from "./work.ts";

/** One sequence's part of a step. */
export interface PlannedEntry {
  readonly member: BatchMember;
  readonly entry: StepEntry;
  readonly range: RowRange;
  readonly isPrompt: boolean;
}

/** Layers that a chunk of a prompt is to pass after a step. */
export interface PlannedLayers {
  readonly chunk: LayeredChunk;
  readonly firstLayer: number;
  readonly layers: number;
}

/** What to compute next; nothing at all when nobody asks. */
export interface Plan {
  readonly entries: readonly PlannedEntry[];
  readonly layered?: PlannedLayers | undefined;
}

/** How long the parts of a step took. */
export interface PlanTimes {
  /** The entries. */
  readonly computedMs: number;
  /** The layers after them, while others chose. */
  readonly passedMs: number;
  /** All, until everybody could take part in the next step. */
  readonly ms: number;
}

/** What it works with. */
export interface StepMakerOptions {
  readonly executor: ModelExecutor;
  readonly promptChunk: number;
  readonly onPreempted: (() => void) | undefined;
  readonly isLayered: boolean;
}

/** What prompts may add to a step. */
interface PromptTime {
  readonly work: number;
  /** How long that takes. */
  readonly ms: number;
  /** How long nothing else is computed after the step anyway. */
  readonly choosingMs: number;
}

/** Plans steps and learns how long they take. */
export class StepMaker {
  readonly #options: StepMakerOptions;
  readonly #work: WorkModel;
  readonly #times = new StepTimes();
  readonly #pace: LayerPace;
  #turn = 0;
  /** A chunk that has begun to pass the layers. */
  #chunk: LayeredChunk | undefined;

  constructor(options: StepMakerOptions) {
    this.#options = options;
    this.#work = new WorkModel(options.executor.shape);
    this.#pace = new LayerPace(this.#work);
  }

  /** The next step; empty when nobody asks for anything. Sequences that cannot go on are rejected. */
  make(members: ReadonlySet<BatchMember>): Plan {
    this.#turn++;
    for (;;) {
      this.#openAll(members);
      const plan = this.#fitting(members);
      const isEmpty = plan.entries.length === 0 && plan.layered === undefined;
      if (!isEmpty || ![...members].some((one) => one.isAsking)) return plan;
    }
  }

  /** Learns from a step. */
  learn({ entries, layered }: Plan, { computedMs, passedMs, ms }: PlanTimes): void {
    const { decodingRows } = rowsOf(entries);
    const work = { decodingWork: 0, promptWork: 0 };
    for (const { range, isPrompt } of entries) {
      work[isPrompt ? "promptWork" : "decodingWork"] += this.#work.of(range);
    }
    if (layered === undefined) {
      return this.#times.observe({ decodingRows, ...work, computedMs, ms });
    }
    this.#times.grow(decodingRows);
    const { chunk, layers, firstLayer } = layered;
    const passed = { from: firstLayer, to: firstLayer + layers };
    this.#pace.observe({ ...chunk.range, layers: passed }, {
      ms: passedMs,
      choosingMs: this.#times.choosingMs(decodingRows),
    });
  }

  /**
   * Takes the session of one sequence: of one that asks for nothing, else of the youngest, but not of
   * the oldest that asks.
   *
   * @returns whether there was one
   */
  preempt(members: ReadonlySet<BatchMember>): boolean {
    const open = [...members].filter((one) => one.isOpen);
    const idle = open.filter((one) => !one.isAsking);
    const victim = idle.at(-1) ?? open.filter((one) => one.isAsking).slice(1).at(-1);
    if (victim === undefined) return false;
    victim.close();
    this.#options.onPreempted?.();
    return true;
  }

  /** Drafts that a sequence may hand in with its next token. */
  draftsMax(members: ReadonlySet<BatchMember>, acceptance: number): number {
    const sequences = [...members].filter((one) => one.isOpen).length;
    const roomMax = Math.floor(speculatingRowsMax / Math.max(1, sequences)) - 1;
    let best = { drafts: 0, gain: 1 };
    let expected = 1;
    for (let drafts = 1; drafts <= roomMax; drafts++) {
      expected += acceptance ** drafts;
      const gain = expected / this.#times.slowdown(sequences * (1 + drafts), sequences);
      if (gain > best.gain) best = { drafts, gain };
    }
    return best.drafts;
  }

  /** Opens sessions in the order of arrival, as far as there is room for whole prompts. */
  #openAll(members: ReadonlySet<BatchMember>): void {
    const asking = [...members].filter((one) => one.isAsking);
    for (const [index, member] of asking.entries()) {
      if (member.isOpen || isAwaitingPrefix(member, asking)) continue;
      if (index > 0 && !this.#hasRoom(member, members)) return;
      if (!this.#open(member, members)) return;
    }
  }

  /** Whether all open sequences can do what they are asked for, and `member` too. */
  #hasRoom(member: BatchMember, members: ReadonlySet<BatchMember>): boolean {
    let needed = pagesOf(member.tokens.length + 1);
    for (const one of members) if (one.isOpen) needed += one.pagesFor(one.pending) + 1;
    return needed <= this.#freePages();
  }

  #open(member: BatchMember, members: ReadonlySet<BatchMember>): boolean {
    for (;;) {
      try {
        member.open();
        return true;
      } catch (thrown) {
        if (this.preempt(members)) continue;
        member.reject(thrown);
        return false;
      }
    }
  }

  /** The step of those who are open, as far as there are pages for it. */
  #fitting(members: ReadonlySet<BatchMember>): Plan {
    for (;;) {
      const open = [...members].filter((one) => one.isAsking && one.isOpen);
      const plan = this.#share(open);
      if (this.#fits(plan)) return plan;
      if (this.preempt(members)) continue;
      const [only] = open;
      if (only === undefined) return { entries: [] };
      const { positionCount, pending } = only;
      const rows = (pagesOf(positionCount) + this.#freePages()) * pagePositions - positionCount;
      if (rows > 0) return { entries: entryOf(only, Math.min(rows, pending), 0) };
      only.reject(tooFewPages());
    }
  }

  #share(open: readonly BatchMember[]): Plan {
    const decoding = open.filter((one) => one.pending === 1)
      .flatMap((one) => entryOf(one, 1, one.drafts.length));
    const prompts = open.filter((one) => one.pending > 1);
    const room = this.#promptRoom(decoding);
    if (room === undefined || prompts.length === 0) return { entries: decoding };
    const workEach = room.work / prompts.length;
    const deep = prompts.filter((one) =>
      this.#isDeep(one, decoding.length > 0 ? workEach : Infinity)
    );
    const mixed = prompts.filter((one) => !deep.includes(one));
    const waiting = mixed.map((one) => ({ position: one.positionCount, pending: one.pending }));
    const shares = sharePrompts(waiting, {
      rowsMax: this.#options.promptChunk,
      workMax: workEach * mixed.length,
      turn: this.#turn,
      work: this.#work,
    });
    const entries = [...decoding, ...mixed.flatMap((one, i) => entryOf(one, shares[i] ?? 0, 0))];
    const share = deep.length / prompts.length;
    const rateGuess = room.ms / room.work;
    const time = { ms: room.ms * share, choosingMs: room.choosingMs, rateGuess };
    return { entries, layered: this.#layered(deep, time) };
  }

  /** Whether a prompt's rows are so deep, and `work` so little, that they pass the layers in parts. */
  #isDeep(member: BatchMember, work: number): boolean {
    if (this.#chunk?.member === member && this.#chunk.isWanted) return true;
    const firstPosition = member.positionCount;
    const [here, first] = [firstPosition, 0].map((position) =>
      this.#work.of({ firstPosition: position, rows: 1, logitRows: 0 })
    );
    if (!this.#options.isLayered || (here ?? 0) < deepFactor * (first ?? 0)) return false;
    const rowsMax = Math.min(mixedRowsMin, member.pending);
    return this.#work.rowsWithin(work, { firstPosition, rowsMax }) < rowsMax;
  }

  /** The next layers of one deep prompt's chunk, as many as there is time for. */
  #layered(deep: readonly BatchMember[], time: PacedTime): PlannedLayers | undefined {
    const member = deep[this.#turn % Math.max(1, deep.length)];
    if (member === undefined) return undefined;
    const { executor } = this.#options;
    if (this.#chunk?.isWanted !== true) {
      const rowsMax = Math.min(layeredRowsMax, member.pending);
      const { layers } = executor;
      const all = { firstPosition: member.positionCount, rows: rowsMax, layers };
      this.#chunk = new LayeredChunk(executor, member, this.#pace.rowsWithin(all, time));
    }
    const chunk = this.#chunk;
    const left = { ...chunk.range, layers: chunk.layers };
    return { chunk, firstLayer: chunk.layers.from, layers: this.#pace.layersWithin(left, time) };
  }

  /** What prompts may add to a step; undefined when this one is for timing those who decode. */
  #promptRoom(decoding: readonly PlannedEntry[]): PromptTime | undefined {
    if (decoding.length === 0) {
      const firstWork = this.#work.of({ firstPosition: 0, rows: pagePositions, logitRows: 0 });
      const work = this.#times.promptWork(promptStepMs) ?? firstWork;
      return { work, ms: promptStepMs, choosingMs: 0 };
    }
    const rows = decoding.reduce((sum, { range }) => sum + range.rows, 0);
    const decodingWork = decoding.reduce((sum, { range }) => sum + this.#work.of(range), 0);
    const share = gapFactor - 1;
    const work = this.#times.promptWorkBeside(rows, { work: decodingWork, share });
    const ms = this.#times.decodingMs(rows, decodingWork);
    if (work === undefined || ms === undefined) return undefined;
    return { work, ms: ms * share, choosingMs: this.#times.choosingMs(rows) };
  }

  #fits({ entries, layered }: Plan): boolean {
    const needed = entries.reduce((sum, { member, range }) => sum + member.pagesFor(range.rows), 0);
    return needed + (layered?.chunk.pagesNeeded ?? 0) <= this.#freePages();
  }

  /** Pages that may be taken; an executor without pages always has some. */
  #freePages(): number {
    const { used, total } = this.#options.executor.pages();
    return total === 0 ? Number.MAX_SAFE_INTEGER : total - used;
  }
}

/** Rows of a step, by what they are for. */
export function rowsOf(
  entries: readonly PlannedEntry[],
): { readonly decodingRows: number; readonly promptRows: number } {
  const rows = { decodingRows: 0, promptRows: 0 };
  for (const { range, isPrompt } of entries) {
    rows[isPrompt ? "promptRows" : "decodingRows"] += range.rows;
  }
  return rows;
}

/** A sequence's part of a step; none for no rows. */
function entryOf(member: BatchMember, rows: number, drafts: number): PlannedEntry[] {
  const firstPosition = member.positionCount;
  const isPrompt = member.pending > 1;
  const entry = rows > 0 ? member.entry(rows, drafts) : undefined;
  if (entry === undefined) return [];
  const logitRows = entry.logits === "all" ? rows + drafts : Number(entry.logits === "last");
  return [{ member, entry, isPrompt, range: { firstPosition, rows: rows + drafts, logitRows } }];
}

/** Whether another sequence is about to compute pages that this one begins with too. */
function isAwaitingPrefix(member: BatchMember, asking: readonly BatchMember[]): boolean {
  return asking.some((other) =>
    other !== member && other.isOpen && other.pending > 1 &&
    sharedPositions(member.tokens, other.tokens) >= other.positionCount + pagePositions
  );
}

/** Positions of whole pages that both begin with, the last token of `tokens` never counted. */
function sharedPositions(tokens: readonly number[], others: readonly number[]): number {
  const count = Math.min(tokens.length - 1, others.length);
  let equal = 0;
  while (equal < count && tokens[equal] === others[equal]) equal++;
  return equal - equal % pagePositions;
}

function pagesOf(positions: number): number {
  return Math.ceil(positions / pagePositions);
}

function tooFewPages(): EngineError {
  return new EngineError({
    code: "no-memory",
    message: "Cannot go on as the sequence alone needs more keys and values than all pages hold",
  });
}
