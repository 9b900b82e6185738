/**
 * Feeds random and spoilt frames to the decoder: `fuzz_main.ts [count] [seed]`, a million by default.
 *
 * A frame is read or refused; anything else, or a frame that takes longer than 50 ms, ends it with 1.
 */
import fc from "fast-check";
import { decodeFrame } from "../../src/stages/frames.ts";
import { StageError } from "../../src/stages/stage_error.ts";
import { spoiltFrames } from "./_frames.ts";

const count = Number(process.argv[2] ?? 1_000_000);
const seed = Number(process.argv[3] ?? 1);
const outcomes = new Map<string, number>();
const beganMs = performance.now();
const batch = 10_000;
for (let done = 0; done < count; done += batch) {
  const numRuns = Math.min(batch, count - done);
  for (const bytes of fc.sample(spoiltFrames, { numRuns, seed: seed + done })) {
    const outcome = outcomeOf(bytes);
    // The machine may have been busy with something else, but not five times.
    if (timeOf(bytes) > 50 && [1, 2, 3, 4].every(() => timeOf(bytes) > 50)) {
      throw new RangeError(`A frame took too long: ${bytes}`);
    }
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
}
console.log(`${count} frames, seed ${seed}, ${Math.round(performance.now() - beganMs)} ms`);
console.log(Object.fromEntries([...outcomes].sort()));

function timeOf(bytes: Uint8Array): number {
  const startMs = performance.now();
  outcomeOf(bytes);
  return performance.now() - startMs;
}

function outcomeOf(bytes: Uint8Array): string {
  try {
    return `read: ${decodeFrame(bytes).kind}`;
  } catch (thrown) {
    if (thrown instanceof StageError) return `refused: ${thrown.code}`;
    throw thrown;
  }
}
