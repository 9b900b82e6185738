/** Limits on real time that hold on a busy machine too. */
import assert from "node:assert/strict";

/**
 * Fails when something takes too long three times over: a busy machine may keep one of them waiting,
 * while what is really slow is slow each time.
 *
 * @param what it is called so when it fails
 * @param limit `act` does it; where only a part of that counts it returns how many ms that took
 */
export async function isSoon(
  what: string,
  limit: { readonly msMax: number; readonly act: () => unknown },
): Promise<void> {
  const tookMs: number[] = [];
  while (tookMs.length < 3) {
    const startedMs = performance.now();
    const part = await limit.act();
    const ms = typeof part === "number" ? part : performance.now() - startedMs;
    if (ms < limit.msMax) return;
    tookMs.push(Math.round(ms));
  }
  assert.fail(`${what} took ${tookMs.join(", ")} ms, and must take less than ${limit.msMax}`);
}
