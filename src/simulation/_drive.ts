/** Waiting for a promise while virtual time goes on. */
import type { VirtualClock } from "../sim/mod.ts";

/** Turns of the event loop that take no virtual time. */
const turnsMax = 200;

/** Lets what needs no time happen first, then time pass, until a promise has settled. */
export async function drive<T>(
  promise: Promise<T>,
  { clock, signal }: { readonly clock: VirtualClock; readonly signal: AbortSignal | undefined },
): Promise<T> {
  let isDone = false;
  const end = (): void => void (isDone = true);
  promise.then(end, end);
  for (let turn = 0; !isDone; turn++) {
    signal?.throwIfAborted();
    await clock.advance(turn < turnsMax ? 0 : 1);
  }
  return await promise;
}
