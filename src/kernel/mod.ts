/**
 * The kernel: services, the supervisor that runs them, the host that serves them, and channels.
 *
 * @module
 */
export { defineCall, defineStream } from "./method.ts";
export type { CallContext, CallMethod, Method, Methods, StreamMethod } from "./method.ts";
export { rpcCodes, RpcError } from "./rpc_error.ts";
export type { RpcErrorName } from "./rpc_error.ts";
export type {
  Bus,
  BusMessage,
  Directories,
  Host,
  JournalAccess,
  Labels,
  Log,
  MetricOptions,
  Metrics,
  Service,
  SqlValue,
  StoreAccess,
} from "./service.ts";
