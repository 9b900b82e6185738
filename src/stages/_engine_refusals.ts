/** What the engine refuses, as other nodes are told, and back again. */
import { EngineError } from "../engine/mod.ts";
import type { EngineErrorCode } from "../engine/mod.ts";
import { StageError } from "./stage_error.ts";
import type { StageErrorCode } from "./stage_error.ts";

const CODES: Readonly<Partial<Record<EngineErrorCode, StageErrorCode>>> = {
  "no-memory": "no-memory",
  "context-full": "context-full",
  "not-a-number": "not-a-number",
  "not-held": "wrong-layers",
};

/** Anything that was caught while computing, as a refusal. */
export function stageErrorOf(thrown: unknown): StageError {
  if (thrown instanceof StageError) return thrown;
  const code = thrown instanceof EngineError ? CODES[thrown.code] ?? "failed" : "failed";
  const message = thrown instanceof EngineError || thrown instanceof RangeError
    ? thrown.message
    : "Cannot compute rows as the stage failed: its log says why";
  return new StageError({ code, message, cause: thrown });
}

/** A refusal that callers of an executor know how to meet; undefined for others. */
export function engineErrorOf(error: StageError): EngineError | undefined {
  const { code, message } = error;
  if (code !== "no-memory" && code !== "context-full" && code !== "not-a-number") return undefined;
  return new EngineError({ code, message, cause: error });
}
