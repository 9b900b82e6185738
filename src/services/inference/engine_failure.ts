/**
 * What goes wrong in a computation, as callers are told.
 */
import { EngineError } from "../../engine/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import { StageError } from "../../stages/mod.ts";

/** A shortage is for the caller to wait out, and so is a broken executor; else the request failed. */
export function engineFailure(cause: unknown): RpcError {
  if (cause instanceof StageError) {
    return new RpcError({
      kind: "unavailable",
      message: cause.message,
      data: { code: `stage_${cause.code.replaceAll("-", "_")}` },
      cause,
    });
  }
  if (!(cause instanceof EngineError)) {
    return new RpcError({
      kind: "internal",
      message: "Cannot finish the answer as the computation failed: the node's log says why",
      cause,
    });
  }
  if (cause.code === "thread-died") return broken(cause);
  const shortage = cause.code === "no-memory" || cause.code === "busy";
  return new RpcError({
    kind: shortage ? "busy" : "internal",
    message: cause.message,
    data: { code: `engine_${cause.code.replaceAll("-", "_")}` },
    cause,
  });
}

/** The failure of all requests of an executor that can compute no more. */
export function broken(cause: EngineError): RpcError {
  return new RpcError({
    kind: "unavailable",
    message: "Cannot answer as the executor broke down: its model is being loaded again",
    data: { code: "engine_broken" },
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

/** The end of a request whose caller has gone. */
export function cancelled(): RpcError {
  return new RpcError({
    kind: "cancelled",
    message: "Cannot go on with the request as its caller has gone",
  });
}
