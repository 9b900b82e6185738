/**
 * What goes wrong in a computation, as callers are told.
 */
import { EngineError } from "../../engine/mod.ts";
import { RpcError } from "../../kernel/mod.ts";

/** A shortage is for the caller to wait out; any other failure is of the request. */
export function engineFailure(cause: unknown): RpcError {
  if (!(cause instanceof EngineError)) {
    return new RpcError({
      kind: "internal",
      message: "Cannot finish the answer as the computation failed: the node's log says why",
      cause,
    });
  }
  const shortage = cause.code === "no-memory" || cause.code === "busy";
  return new RpcError({
    kind: shortage ? "busy" : "internal",
    message: cause.message,
    data: { code: `engine_${cause.code.replaceAll("-", "_")}` },
    cause,
  });
}

/** The refusal of a node that is going down. */
export function stopping(): RpcError {
  return new RpcError({
    kind: "unavailable",
    message: "Cannot answer as the node is stopping",
  });
}
