/** How long a failed service waits before its next start. */
import type { Random } from "../ports/mod.ts";

/** Bounds of the delay. */
export interface BackOffLimits {
  /** Delay before the first restart, without jitter. */
  readonly restartDelayMsMin: number;
  /** No delay is longer. */
  readonly restartDelayMsMax: number;
}

/**
 * The delay before restart number `attempt` (from 1): it doubles up to the maximum, and the upper
 * half of it is random, so that services that failed together don't come back together.
 *
 * @returns milliseconds in [d/2, d) where d = min(max, min * 2^(attempt - 1))
 */
export function backOffDelayMs(
  attempt: number,
  options: { readonly limits: BackOffLimits; readonly random: Random },
): number {
  const { restartDelayMsMin, restartDelayMsMax } = options.limits;
  const fullMs = Math.min(restartDelayMsMax, restartDelayMsMin * 2 ** (attempt - 1));
  const bytes = options.random.fill(new Uint8Array(4));
  const fraction = new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
  return fullMs * (1 + fraction) / 2;
}
