/**
 * Skep: a whole AI node in your own process, in Deno and in Node.
 *
 * @example
 * ```ts
 * import { run } from "@skep/skep";
 *
 * await using node = await run({ api: { listen: "127.0.0.1:0" } }, { home: "/tmp/my-node" });
 * const response = await fetch(`${node.addresses["api"]}/v1/chat/completions`, {
 *   method: "POST",
 *   headers: { "content-type": "application/json" },
 *   body: JSON.stringify({
 *     model: "stories260K",
 *     messages: [{ role: "user", content: "Once upon a time" }],
 *   }),
 * });
 * console.log(await response.json());
 * ```
 *
 * @module
 */
export { run } from "./src/node/mod.ts";
export type {
  BootProgress,
  BootstrapPeer,
  Environment,
  LogTarget,
  NodeConfig,
  NodeErrorCode,
  NodeStatus,
  RunningNode,
  RunOptions,
  Violation,
} from "./src/node/mod.ts";
export { formatViolation, NodeError, thrumVersion, version } from "./src/node/mod.ts";

// ------------------------------------------------------------------------------------------------
// For other libraries: services of your own (`run`'s option `services`), and ports.

export {
  callContract,
  connectService,
  defineCall,
  defineStream,
  implement,
  rpcCodes,
  RpcError,
  streamContract,
} from "./src/kernel/mod.ts";
export { controlContract } from "./src/services/control/mod.ts";
export { inferenceContract, modelsContract } from "./src/services/inference/mod.ts";
export { journalContract } from "./src/services/journal/mod.ts";
export { connectRpc, RemoteCallError, WireError } from "./src/wire/mod.ts";
export type { RpcConnection, RpcConnectOptions, WireErrorCode } from "./src/wire/mod.ts";
export type {
  Bus,
  BusMessage,
  CallContext,
  CallContract,
  CallMethod,
  CallNames,
  Contract,
  Directories,
  Handlers,
  Host,
  JournalAccess,
  Labels,
  Log,
  LogForm,
  LogLevelName,
  Method,
  Methods,
  MetricOptions,
  Metrics,
  RpcErrorName,
  Service,
  ServiceClient,
  ServiceClientOptions,
  ServiceState,
  ServiceStatus,
  SqlValue,
  StoreAccess,
  StreamContract,
  StreamMethod,
  StreamNames,
} from "./src/kernel/mod.ts";
export { DiskError, NetworkError } from "./src/ports/mod.ts";
export { realClock, realDisk, realNetwork, realRandom } from "./src/ports/mod.ts";
export type {
  Address,
  Clock,
  Disk,
  DiskErrorCode,
  DiskFile,
  FileInfo,
  Landing,
  Listener,
  Network,
  NetworkErrorCode,
  OpenMode,
  Random,
  Timer,
} from "./src/ports/mod.ts";

// Whole meshes in one process, in virtual time.
export { parseScript, parseTime, simulate, simulatedNodesMax } from "./src/simulation/mod.ts";
export type {
  Action,
  Churn,
  Lag,
  NodeVerb,
  SimulationOptions,
  SimulationReport,
} from "./src/simulation/mod.ts";
