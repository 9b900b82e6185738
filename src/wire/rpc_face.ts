/**
 * What carries a call and what answers it: the seam between the wires of an `rpc.sock` and the methods
 * behind it. Types only.
 */
import type { JsonRpcCall, JsonRpcOutcome } from "./json_rpc.ts";

/** What a call may use of the connection that it came by. */
export interface RpcContext {
  /** Aborts when the caller has gone or cancelled. */
  readonly signal: AbortSignal;
  /**
   * Sends an item of a stream; resolves when the next one may come. Absent where only one answer can
   * be given: over HTTP, and for a notification.
   */
  readonly emit?: (item: unknown) => Promise<void>;
}

/** Runs a call and never rejects. */
export type RpcRunner = (call: JsonRpcCall, context: RpcContext) => Promise<JsonRpcOutcome>;
