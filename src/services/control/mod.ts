/**
 * The node's own methods, at control/rpc.sock: status, stop, the journal's state, the configuration.
 *
 * @module
 */
export { createControlService } from "./service.ts";
export type { ControlledNode } from "./service.ts";
export { controlContract } from "./contract.ts";
export type { ControlSettings, ControlStatus } from "./contract.ts";
