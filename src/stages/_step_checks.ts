/** What a pipeline checks of a step before it computes anything. */
import { EngineError } from "../engine/mod.ts";
import type { StepEntry } from "../engine/mod.ts";
import type { ModelShape } from "../model/mod.ts";
import { PipelineSession } from "./_pipeline_session.ts";
import type { OwnEntry } from "./_step_runner.ts";

/** What a pipeline computes at most. */
export interface StepLimits {
  readonly shape: ModelShape;
  readonly contextMax: number;
}

/**
 * The entries of a step, as the pipeline's own.
 *
 * @throws {RangeError} for wrong tokens, or a session in two entries
 * @throws {TypeError} for a session of another executor
 * @throws {EngineError} "context-full", "busy", "closed"
 */
export function checkedEntries(
  given: readonly StepEntry[],
  { limits, sessions }: {
    readonly limits: StepLimits;
    readonly sessions: ReadonlySet<PipelineSession>;
  },
): readonly OwnEntry[] {
  if (given.length === 0) throw new RangeError("Cannot compute a step as it has no entry");
  const seen = new Set<PipelineSession>();
  return given.map(({ session, tokens, logits }) => {
    if (!(session instanceof PipelineSession)) throw foreign();
    session.assertIdle("compute");
    if (!sessions.has(session)) throw foreign();
    if (seen.has(session)) {
      throw new RangeError("Cannot compute a step as a session may be in it only once");
    }
    seen.add(session);
    checkTokens(tokens, limits);
    checkContext(session.positionCount + tokens.length, limits);
    return { session, tokens, logits };
  });
}

function checkTokens(tokens: Uint32Array, { shape: { vocabularySize } }: StepLimits): void {
  if (tokens.length === 0) {
    throw new RangeError("Cannot compute tokens as at least one is needed: current count is 0");
  }
  const bad = tokens.find((token) => token >= vocabularySize);
  if (bad === undefined) return;
  throw new RangeError(`Cannot embed token ${bad} as ids must be below ${vocabularySize}`);
}

function checkContext(positions: number, { contextMax }: StepLimits): void {
  if (positions <= contextMax) return;
  throw new EngineError({
    code: "context-full",
    message: `Cannot compute position ${
      positions - 1
    } as the context holds ${contextMax} positions`,
  });
}

function foreign(): TypeError {
  return new TypeError("Cannot use the session as another executor opened it");
}
