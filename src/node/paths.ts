/**
 * Where a node keeps what it has: configuration, state, data and sockets. Pure: it looks names up and
 * joins strings; nothing is read or created.
 *
 * The layout follows the XDG Base Directory Specification (version 0.8); `SKEP_HOME` puts everything
 * under one folder instead.
 */
import { createHash } from "node:crypto";
import { isAbsolute, join } from "node:path";
import type { Directories } from "../kernel/mod.ts";
import { unixPathBytesMax } from "../ports/mod.ts";
import { NodeError } from "./node_error.ts";

/** Looks up one environment name; `undefined` when it is unset, empty or may not be read. */
export type Environment = (name: string) => string | undefined;

/**
 * Bytes kept free behind the socket directory for "/<service>/<socket>": the longest today is
 * "/agents/attach.sock"; a service's name has at most 32.
 */
export const socketTailBytesMax = 44;

/** All the places of one node. */
export interface NodePaths {
  /** Absolute directories. */
  readonly directories: Directories;
  /** `skep.toml`, whether it exists or not. */
  readonly configFile: string;
  /** 32 raw bytes of Ed25519 seed. */
  readonly keyFile: string;
  /** Directory of the journal's day files. */
  readonly journal: string;
  /** The SQLite file of the node's tables. */
  readonly storeFile: string;
  /** Held in an exclusive SQLite transaction while the node runs. */
  readonly lockFile: string;
  /** Tells others how to reach the running node. */
  readonly runtimeFile: string;
  /** The model and layers that a command told the node to have from then on. */
  readonly rememberedFile: string;
  /** The node's own JSON-RPC socket. */
  readonly controlSocket: string;
  /** The socket directory that was asked for, when it was too long and has been replaced. */
  readonly socketsReplaced: string | undefined;
}

/** What decides about the places, beside the environment. */
export interface PathOptions {
  /** Absolute folder that holds everything; wins over `SKEP_HOME`. */
  readonly home?: string | undefined;
  /** Another skep.toml. */
  readonly configFile?: string | undefined;
  /** The system's directory for temporary files. @default TMPDIR, else "/tmp" */
  readonly temporary?: string | undefined;
}

/**
 * Finds the places of a node.
 *
 * @throws {NodeError} code "paths" when a name holds a relative path, or when there is neither
 * `SKEP_HOME` nor `HOME`
 */
export function resolvePaths(environment: Environment, options: PathOptions = {}): NodePaths {
  const temporary = options.temporary ?? environment("TMPDIR") ?? "/tmp";
  const home = options.home === undefined
    ? absolute("SKEP_HOME", environment("SKEP_HOME"))
    : absolute("home", options.home);
  const base = home === undefined
    ? fromXdg(environment, temporary)
    : { ...under(home), sockets: join(home, "run") };
  const wanted = absolute("SKEP_SOCKET_DIR", environment("SKEP_SOCKET_DIR")) ?? base.sockets;
  const sockets = fits(wanted) ? wanted : shortened(wanted, temporary);
  const models = join(base.data, "models");
  return {
    directories: { config: base.config, state: base.state, data: base.data, models, sockets },
    configFile: absolute("config", options.configFile) ?? join(base.config, "skep.toml"),
    keyFile: join(base.state, "node.key"),
    journal: join(base.state, "journal"),
    storeFile: join(base.data, "skep.db"),
    lockFile: join(base.state, "lock.db"),
    runtimeFile: join(base.state, "runtime.json"),
    rememberedFile: join(base.state, "remembered.json"),
    controlSocket: join(sockets, "control", "rpc.sock"),
    socketsReplaced: sockets === wanted ? undefined : wanted,
  };
}

interface Base {
  readonly config: string;
  readonly state: string;
  readonly data: string;
  readonly sockets: string;
}

function under(home: string): Omit<Base, "sockets"> {
  return { config: join(home, "config"), state: join(home, "state"), data: join(home, "data") };
}

function fromXdg(environment: Environment, temporary: string): Base {
  const state = xdg(environment, "XDG_STATE_HOME", ".local/state");
  const runtime = absolute("XDG_RUNTIME_DIR", environment("XDG_RUNTIME_DIR"));
  return {
    config: xdg(environment, "XDG_CONFIG_HOME", ".config"),
    state,
    data: xdg(environment, "XDG_DATA_HOME", ".local/share"),
    sockets: runtime === undefined
      ? shortened(join(state, "run"), temporary)
      : join(runtime, "skep"),
  };
}

function xdg(environment: Environment, name: string, fallback: string): string {
  const set = absolute(name, environment(name));
  if (set !== undefined) return join(set, "skep");
  const home = absolute("HOME", environment("HOME"));
  if (home !== undefined) return join(home, fallback, "skep");
  throw new NodeError({
    code: "paths",
    message:
      `Cannot find a place for the node's files as neither SKEP_HOME nor ${name} nor HOME is set: set SKEP_HOME to a folder of your own`,
  });
}

function fits(sockets: string): boolean {
  return bytesIn(sockets) + socketTailBytesMax <= unixPathBytesMax;
}

/** The same long name always gives the same short one, so that every command finds the sockets. */
function shortened(sockets: string, temporary: string): string {
  const digest = createHash("sha256").update(sockets).digest("hex").slice(0, 16);
  return join(temporary, `skep-${digest}`);
}

function bytesIn(text: string): number {
  return new TextEncoder().encode(text).length;
}

function absolute(name: string, path: string | undefined): string | undefined {
  if (path === undefined || (isAbsolute(path) && !path.includes("\0"))) return path;
  throw new NodeError({
    code: "paths",
    message: `Cannot use ${name} as it must be an absolute path: current value is ${
      JSON.stringify(path)
    }`,
  });
}
