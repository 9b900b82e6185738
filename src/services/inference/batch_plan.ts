/**
 * Decides how many rows of each prompt go into the next step. Pure: no time, no state.
 *
 * Sequences that decode are in every step. Prompts share what may be added to it: each gets an equal
 * part of the work, what a short one leaves goes to the next, and who is first changes with every
 * step, so that all progress even when there is room for one row only.
 */
import type { WorkModel } from "./work.ts";

/** A prompt, or the rest of one. */
export interface WaitingPrompt {
  /** Position of its next row. */
  readonly position: number;
  /** Rows to compute, at least 1. */
  readonly pending: number;
}

/** What prompts may add to a step. */
export interface PromptRoom {
  /** Rows of all prompts together, at least 1. */
  readonly rowsMax: number;
  /** Work of all prompts together. */
  readonly workMax: number;
  /** Changes with each step. */
  readonly turn: number;
  readonly work: WorkModel;
}

/** Rows of each prompt, in the order given; at least one row in all. */
export function sharePrompts(prompts: readonly WaitingPrompt[], room: PromptRoom): number[] {
  const { turn, work } = room;
  const shares = new Array<number>(prompts.length).fill(0);
  let { rowsMax: rowsLeft, workMax: workLeft } = room;
  for (let i = 0; i < prompts.length; i++) {
    const index = (turn + i) % prompts.length;
    const prompt = prompts[index];
    if (prompt === undefined || rowsLeft === 0) break;
    const others = prompts.length - i;
    const rows = work.rowsWithin(workLeft / others, {
      firstPosition: prompt.position,
      rowsMax: Math.min(prompt.pending, Math.ceil(rowsLeft / others)),
    });
    shares[index] = rows;
    rowsLeft -= rows;
    workLeft -= work.of({ firstPosition: prompt.position, rows, logitRows: 0 });
  }
  const first = turn % prompts.length;
  if (prompts.length > 0 && !shares.some((rows) => rows > 0)) shares[first] = 1;
  return shares;
}
