/** Runs a call that came by a socket, and says how it ended as JSON-RPC does. */
import { JSON_RPC_MESSAGES, WireError } from "../wire/mod.ts";
import type { JsonRpcCall, JsonRpcOutcome, RpcContext } from "../wire/mod.ts";
import type { CallTable } from "./call_table.ts";
import type { OpenRpcDocument } from "./openrpc_types.ts";
import { rpcCodes, RpcError } from "./rpc_error.ts";

/** Who answers. */
export interface AnswerOptions {
  readonly calls: CallTable;
  readonly service: string;
  /** What `rpc.discover` answers. */
  readonly document: () => OpenRpcDocument;
}

/** Answers a call; a stream's items go before its answer, which counts them. Never rejects. */
export async function answerCall(
  call: JsonRpcCall,
  context: RpcContext,
  options: AnswerOptions,
): Promise<JsonRpcOutcome> {
  const { calls, service } = options;
  const { method, params } = call;
  const { signal } = context;
  try {
    if (method === "rpc.discover") return { result: options.document() };
    if (calls.kindOf(service, method) === "stream") {
      return { result: await sendStream(call, context, options) };
    }
    return { result: await calls.call({ service, method, params, signal }) };
  } catch (thrown) {
    if (thrown instanceof RpcError) return { error: errorBody(thrown) };
    const message = thrown instanceof WireError ? thrown.message : `Cannot finish "${method}"`;
    return { error: { code: rpcCodes.internal, message } };
  }
}

async function sendStream(
  call: JsonRpcCall,
  context: RpcContext,
  options: AnswerOptions,
): Promise<{ readonly items: number }> {
  const { method, params } = call;
  const { signal, emit } = context;
  const { calls, service } = options;
  if (emit === undefined) {
    const message = `Cannot call "${method}" that way as it answers with a stream, which is sent ` +
      `in frames and neither over HTTP nor for a notification`;
    throw new RpcError({ kind: "methodNotFound", message, data: message });
  }
  let items = 0;
  for await (const item of calls.stream({ service, method, params, signal })) {
    await emit(item);
    items += 1;
  }
  return { items };
}

/** The standard gives the words of some errors; what `data` has to say beside them goes along. */
function errorBody(error: RpcError): Extract<JsonRpcOutcome, { error: unknown }>["error"] {
  const { code, message, data } = error;
  const standard = JSON_RPC_MESSAGES[code];
  if (standard === undefined) return { code, message, data };
  return data === undefined ? { code, message: standard } : { code, message: standard, data };
}
