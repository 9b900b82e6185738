/**
 * What the parts of a product kernel's writer share: what a kernel is written for, and its names.
 *
 * Names: g group, t position, h half of the group's rows, j k-step, s segment (columns with one
 * integer: the block, or its halves when they have scales of their own).
 */
import type { Format, Mode } from "./formats/format.ts";
import type { Masks } from "./products_codes.ts";

/** Groups and positions that a kernel computes together. */
export interface Shape {
  readonly groups: number;
  readonly positions: number;
}

/** What a block is written for. */
export interface BlockContext {
  readonly format: Format;
  readonly mode: Mode;
  readonly shape: Shape;
  /** Filled with what the block reads. */
  readonly masks: Masks;
}

/** Whether a mode reads activations as words. */
export function readsWords(mode: Mode): boolean {
  return mode === "plain";
}

/** 0 to `count` - 1. */
export function range(count: number): readonly number[] {
  return [...Array(count).keys()];
}

/** Halves of a group: rows 0-3, rows 4-7. */
export const HALVES: readonly number[] = [0, 1];

/** K-steps of 4 columns of a block. */
export const steps: readonly number[] = range(8);

/** K-steps of each segment. */
export function segments({ format }: BlockContext): readonly (readonly number[])[] {
  return format.subscale?.columns === 16 ? [steps.slice(0, 4), steps.slice(4)] : [steps];
}

/** One accumulator: group, position, half. */
export interface Sum {
  readonly g: number;
  readonly t: number;
  readonly h: number;
}
