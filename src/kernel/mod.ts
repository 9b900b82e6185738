/**
 * The kernel: services, the supervisor that runs them, the host that serves them, and channels.
 *
 * @module
 */
export { createKernel } from "./kernel.ts";
export type { CallOptions, Kernel, KernelOptions, PlacedService } from "./kernel.ts";
export { callContract, defineCall, defineStream, implement, streamContract } from "./method.ts";
export type {
  CallContext,
  CallContract,
  CallMethod,
  Contract,
  Handlers,
  Method,
  Methods,
  StreamContract,
  StreamMethod,
} from "./method.ts";
export { discoveryDocument, openRpcDocument } from "./openrpc.ts";
export type { DocumentSubject } from "./openrpc.ts";
export type {
  ContentDescriptor,
  DiscoveryDocument,
  JsonSchema,
  MethodDocument,
  OpenRpcDocument,
} from "./openrpc_types.ts";
export { connectService } from "./service_client.ts";
export type {
  CallNames,
  ServiceClient,
  ServiceClientOptions,
  StreamNames,
} from "./service_client.ts";
export { rpcCodes, RpcError } from "./rpc_error.ts";
export type { RpcErrorName } from "./rpc_error.ts";
export type {
  Bus,
  BusMessage,
  Directories,
  Host,
  HostIdentity,
  JournalAccess,
  Labels,
  Log,
  MetricOptions,
  Metrics,
  Service,
  SqlValue,
  StoreAccess,
} from "./service.ts";

// Parts, for services, the node and tests.
export type { BackOffLimits } from "./back_off.ts";
export { BoundedQueue } from "./bounded_queue.ts";
export type { QueueCounters, QueueItem, QueuePolicy } from "./bounded_queue.ts";
export { Broadcast } from "./broadcast.ts";
export type { BroadcastOptions, Subscription } from "./broadcast.ts";
export { CallTable } from "./call_table.ts";
export type { CallRequest, CallTableOptions, Offer } from "./call_table.ts";
export { abortable, linkSignals, withDeadline } from "./deadline.ts";
export type { DeadlineOptions, LinkedSignal } from "./deadline.ts";
export type { Announcement } from "./host.ts";
export { KernelError } from "./kernel_error.ts";
export type { KernelErrorCode } from "./kernel_error.ts";
export { createLog, LOG_LEVELS, silentLog } from "./log.ts";
export type { LogForm, LogLevelName, LogOptions, NodeLog } from "./log.ts";
export { BUS_LIMITS, MessageBus } from "./message_bus.ts";
export type { BusLimits } from "./message_bus.ts";
export { createMetrics } from "./metrics.ts";
export type { NodeMetrics } from "./metrics.ts";
export { planStart, SERVICE_NAME } from "./plan.ts";
export type { Plannable } from "./plan.ts";
export { isSecretName, REDACTED, redactProperties } from "./redact.ts";
export { openRpcSocket, rpcSocketPath } from "./rpc_socket.ts";
export type { RpcSocketOptions } from "./rpc_socket.ts";
export { isShared, share, shareList } from "./shared_value.ts";
export { createSupervisor, SUPERVISOR_LIMITS } from "./supervisor.ts";
export type {
  ServiceEntry,
  ServiceState,
  ServiceStatus,
  Session,
  SessionRequest,
  Supervisor,
  SupervisorLimits,
  SupervisorOptions,
  SupervisorOutcome,
} from "./supervisor.ts";
export { Watch } from "./watch.ts";
export { runServiceWorker } from "./worker_runtime.ts";
export type { ServiceLoader } from "./worker_runtime.ts";
export { inWorker } from "./worker_service.ts";
export type { WorkerPlacement } from "./worker_service.ts";
