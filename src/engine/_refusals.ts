/** What an executor refuses, in its words. */
import { EngineError } from "./errors.ts";

/** The executor has not got `what`. */
export function notHeld(what: string): EngineError {
  return new EngineError({
    code: "not-held",
    message: `Cannot compute ${what} as this executor does not hold it`,
  });
}

/** A session went while it was computed. */
export function dropped(): EngineError {
  return new EngineError({
    code: "closed",
    message: "Cannot go on as a session of the batch was dropped",
  });
}

/** The model gives no embeddings of texts. */
export function noPooling(): EngineError {
  return new EngineError({
    code: "not-held",
    message: "Cannot compute embeddings of texts as the model is no encoder: it has no pooling",
  });
}
