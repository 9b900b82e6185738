/** What `run` gives: a running node, seen from the program that started it. */
import type { Directories, ServiceStatus } from "../kernel/mod.ts";

/** What a node says about itself; plain data. */
export interface NodeStatus {
  readonly version: string;
  readonly thrumVersion: string;
  /** Process id. */
  readonly pid: number;
  /** "skep_" and 64 hex digits. */
  readonly hid: string;
  readonly startedAtMs: number;
  readonly uptimeMs: number;
  /** Where it can be reached, by name: "api" is a URL, "control" a socket's path. */
  readonly addresses: Readonly<Record<string, string>>;
  readonly directories: Directories;
  /** In their starting order. */
  readonly services: readonly ServiceStatus[];
}

/** A node that is ready. */
export interface RunningNode {
  /** Its id: "skep_" and 64 hex digits. */
  readonly hid: string;
  /** Where it can be reached, by name: "api" is a URL, "control" a socket's path. */
  readonly addresses: Readonly<Record<string, string>>;
  /** Where its files are. */
  readonly directories: Directories;
  /** What it says about itself now. */
  status(): NodeStatus;
  /**
   * Calls a method of one of its services, as `rpc.sock` would.
   *
   * @throws {RpcError} the service's own refusal, or "invalidParams", "methodNotFound" ...
   */
  call(service: string, method: string, params?: unknown): Promise<unknown>;
  /**
   * Stops it: no new work, then what runs is drained, then everything is closed. Resolves when that
   * is done; every further call gives the same promise, and `force` cuts the draining short.
   */
  stop(options?: { readonly force?: boolean }): Promise<void>;
  /** Resolves when the node has stopped; rejects with `NodeError` when it stopped by itself. */
  readonly closed: Promise<void>;
  /** Stops it. */
  [Symbol.asyncDispose](): Promise<void>;
}
