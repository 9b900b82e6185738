/** How many threads a model gets. */
import { threadsMax } from "./_scratch.ts";

/** Weights below which a second thread waits longer for the first than it saves. */
const oneThreadWeights = 60_000_000;

/** Threads beyond this seldom help: memory gives no more. */
const threadsDefaultMax = 8;

/**
 * The number of threads: as asked, or chosen by the model's size and the processor's cores.
 *
 * @param weights how many weights are held
 * @throws {RangeError} when `asked` is not an integer from 1 to 32
 */
export function threadCountFor(asked: number | undefined, weights: number): number {
  if (asked === undefined) {
    if (weights < oneThreadWeights) return 1;
    return Math.max(1, Math.min(navigator.hardwareConcurrency, threadsDefaultMax));
  }
  if (Number.isInteger(asked) && asked >= 1 && asked <= threadsMax) return asked;
  throw new RangeError(
    `Cannot load the model as "threads" must be an integer from 1 to ${threadsMax}: current value is ${asked}`,
  );
}
