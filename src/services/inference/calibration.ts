/**
 * How long one layer takes for one position at this node, measured before anybody has asked for an
 * answer: a few positions through the layers that are held.
 */
import type { ModelExecutor } from "../../engine/mod.ts";
import type { Clock } from "../../ports/mod.ts";

/** Positions that are computed at most, the first of which finds cold caches and code. */
const positionsMax = 6;

/** No further position is begun after so long. */
const budgetMs = 150;

/** A value such as activations have: products of zeros could be quicker. */
const activation = 0.25;

/** What measuring needs. */
export interface CalibrationOptions {
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly signal: AbortSignal;
}

/**
 * Milliseconds of one layer for one position: the quickest of a few, as whatever else runs only adds.
 * It takes 150 ms and one position at most, in turns with who else computes.
 *
 * @returns undefined where there is nothing to measure: an encoder, no room, a clock that stands still
 */
export async function measureLayer(
  executor: ModelExecutor,
  { clock, signal }: CalibrationOptions,
): Promise<number | undefined> {
  const { layers, shape } = executor;
  const count = layers.to - layers.from;
  if (shape.family.pooling !== undefined || count === 0) return undefined;
  const hidden = new Float32Array(shape.width).fill(activation);
  const session = executor.openSession();
  const beganMs = clock.monotonicMs();
  let best = Infinity;
  try {
    for (let position = 0; position < positionsMax; position++) {
      const startMs = clock.monotonicMs();
      const entry = { session, firstPosition: position, positionCount: 1 };
      await executor.forward(layers, [entry], hidden.slice(), signal);
      const nowMs = clock.monotonicMs();
      best = Math.min(best, nowMs - startMs);
      if (nowMs - beganMs >= budgetMs) break;
    }
  } finally {
    session.drop();
  }
  return best > 0 && Number.isFinite(best) ? best / count : undefined;
}
