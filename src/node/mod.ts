/**
 * A node: its places, its configuration, and the one function that boots it.
 *
 * Importing this module is cheap; services, journal and store are loaded by `run`.
 *
 * @module
 */
export { run } from "./run.ts";
export type { NodeConfig } from "./config_types.ts";
export type { BootProgress, BootstrapPeer, LogTarget, RunOptions } from "./run_options.ts";
export type { NodeStatus, RunningNode } from "./running_node.ts";
export { NodeError } from "./node_error.ts";
export type { NodeErrorCode } from "./node_error.ts";
export { formatViolation } from "./violation.ts";
export type { Violation } from "./violation.ts";
export { thrumVersion, version, versionLine } from "./version.ts";

// What the command line needs beside it.
export { resolvePaths } from "./paths.ts";
export type { Environment, NodePaths, PathOptions } from "./paths.ts";
export { processEnvironment } from "./environment.ts";
export { configJsonSchema, loadNodeConfiguration } from "./node_configuration.ts";
export type { NodeConfigurationInput } from "./node_configuration.ts";
export type { Configuration, ConfiguredSetting } from "./configuration.ts";
export { forgetRemembered, readRemembered, writeRemembered } from "./remembered.ts";
export type { Remembered, RememberedChoice, RememberedFile } from "./remembered.ts";
export { readRuntimeInfo } from "./runtime_file.ts";
export type { RuntimeFile, RuntimeInfo, StartRecord } from "./runtime_file.ts";
export { refuseThisPlatform } from "./_platform_check.ts";
export { refuseTakenPorts } from "./_port_check.ts";
export type { PortCheck } from "./_port_check.ts";
export { isInstanceHeld } from "./instance_probe.ts";
