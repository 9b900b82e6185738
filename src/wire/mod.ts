/**
 * Byte formats (length frames, NDJSON lines, Redis commands) and the face that services share: JSON-RPC 2.0
 * over HTTP/1.1 and over frames, on the streams of the Network port.
 *
 * @module
 */
export {
  answerJsonRpc,
  BATCH_CALLS_MAX,
  encodeRequest,
  encodeResponse,
  JSON_RPC_CODES,
  JSON_RPC_MESSAGES,
  parseJsonRpc,
  parseResponse,
} from "./json_rpc.ts";
export type {
  JsonRpcCall,
  JsonRpcErrorBody,
  JsonRpcId,
  JsonRpcMessage,
  JsonRpcOutcome,
  JsonRpcRefusal,
} from "./json_rpc.ts";
export { isJsonContentType, readBody, sendJson } from "./http_body.ts";
export { HTTP_LIMITS, httpOnStreams, serveHttp } from "./serve_http.ts";
export type {
  HttpLimits,
  HttpServer,
  HttpStreams,
  HttpStreamsOptions,
  ServeHttpOptions,
} from "./serve_http.ts";
export { FRAME_LIMITS, listen } from "./listen.ts";
export type { ListenOptions, RpcServer } from "./listen.ts";
export type { FrameLimits } from "./_frame_connection.ts";
export type { RpcContext, RpcRunner } from "./rpc_face.ts";
export { RPC_BODY_BYTES_MAX, rpcOverHttp } from "./http_rpc.ts";
export type { HttpRpcOptions } from "./http_rpc.ts";
export { callRpc, RESPONSE_BYTES_MAX } from "./rpc_client.ts";
export type { RpcCallOptions } from "./rpc_client.ts";
export { RemoteCallError, WireError } from "./wire_error.ts";
export type { WireErrorCode } from "./wire_error.ts";

// Messages in a stream of bytes.
export type { DecoderLimits, MessageDecoder } from "./message_decoder.ts";
export { encodeFrame, encodeTextFrame, FRAME_HEAD_BYTES, frameDecoder } from "./frames.ts";
export { encodeJsonLine, lineDecoder } from "./lines.ts";
export { commandDecoder, encodeCommand } from "./commands.ts";
export type { CommandLimits, RespCommand } from "./commands.ts";
export { connectRpc } from "./frame_client.ts";
export type { RpcConnection, RpcConnectOptions } from "./frame_client.ts";
export { FrameLanding } from "./frame_landing.ts";
export type { FrameLandingOptions } from "./frame_landing.ts";
