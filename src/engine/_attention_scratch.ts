/**
 * How much scratch a thread's attention needs (wasm/executor/attention.ts has the same).
 */
import { tilePositions } from "./numeric_class.ts";

const lanesMax = 64;
const lanesLeast = 16;
const scoresMax = 2 ** 18;

/**
 * Bytes of scratch for one thread, for sessions of up to `contextMax` positions.
 *
 * @param valueWidth width of a value row in a page
 */
export function attendScratchBytes(contextMax: number, valueWidth: number): number {
  const span = Math.ceil(contextMax / tilePositions) * tilePositions;
  const scores = Math.max(scoresMax, lanesLeast * span);
  return (scores + lanesMax * 16 + (2 * lanesMax + tilePositions) * valueWidth) * 4;
}
