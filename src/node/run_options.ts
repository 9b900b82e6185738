/** What `run` takes beside the configuration: the world that the node lives in. */
import type { LogForm, LogLevelName, Service } from "../kernel/mod.ts";
import type { Clock, Disk, MeshNetwork, Network, Random } from "../ports/mod.ts";
import type { Environment } from "./paths.ts";

/** How far a model has been loaded, before the node is ready. */
export interface BootProgress {
  /** The model's name. */
  readonly what: string;
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** What is waited for before any of it can be loaded, in a sentence; then both numbers are 0. */
  readonly waiting?: string;
}

/** What is known of a peer. */
export interface BootstrapPeer {
  /** Its Ed25519 public key: 64 hex digits. */
  readonly key: string;
  /** A name for it: letters, digits, dots, hyphens and underscores. */
  readonly alias?: string;
  /** Where it can be dialled: multiaddresses, or host:port. */
  readonly hints?: readonly string[];
}

/** Where log lines go. Without it an embedded node writes none. */
export interface LogTarget {
  /** Gets each line, with its newline. */
  readonly write: (line: string) => void;
  /** Wins over `log.level` of the configuration. */
  readonly level?: LogLevelName;
  /** What "auto" of `log.form` means. @default "json" */
  readonly form?: LogForm;
}

/** Overrides of `run`, by name; every one may be left out. */
export interface RunOptions {
  /** Stops the node when it aborts, also in the middle of the boot. */
  readonly signal?: AbortSignal;
  /** The folder that holds everything, as SKEP_HOME does; absolute. */
  readonly home?: string;
  /** Another skep.toml (absolute), or `false` for none. */
  readonly configFile?: string | false;
  /** Looks environment names up. @default the process's environment */
  readonly environment?: Environment;
  /** Where log lines go. @default nowhere */
  readonly log?: LogTarget;
  /** Time and timers. @default the system's */
  readonly clock?: Clock;
  /** Randomness. @default the system's */
  readonly random?: Random;
  /** Files. @default the system's */
  readonly disk?: Disk;
  /** Local sockets. @default the system's */
  readonly network?: Network;
  /** Links to other nodes. @default libp2p, loaded when the node is in a mesh */
  readonly mesh?: MeshNetwork;
  /** 32 bytes of Ed25519 seed: the node's identity; then no key file is read or written. */
  readonly key?: Uint8Array;
  /** Inference slots; 0 makes the node refuse every request as busy. Wins over the configuration. */
  readonly capacity?: number;
  /** host:port of a listener for metrics alone, or `false` for none. Wins over the configuration. */
  readonly metricsListen?: string | false;
  /** Services that run beside the node's own, each with a configuration section of its name. */
  readonly services?: readonly Service[];
  /** Boots these services and what they need, and no others; the control socket is always there. */
  readonly only?: readonly string[];
  /** Told how far a model has been loaded, until the node is ready. */
  readonly onProgress?: (progress: BootProgress) => void;
  /** Flag names by dotted path of the configuration, for messages about `config`. */
  readonly flags?: Readonly<Record<string, string>>;
  /** The worker socket; this release has none, so only `false` is taken. */
  readonly workerSocket?: false;
  /** The MCP listener; this release has none, so only `false` is taken. */
  readonly mcpListen?: false;
  /** Names and addresses of peers, beside those of peers.json; the roster says who is a member. */
  readonly bootstrapPeers?: readonly BootstrapPeer[];
}

/**
 * Refuses overrides that this release cannot honour, by name.
 *
 * @throws {TypeError} for an unknown name, or one whose subsystem this release does not have
 * @throws {RangeError} for a capacity that is no count
 */
export function checkRunOptions(options: RunOptions): void {
  for (const name of Object.keys(options)) {
    if (!optionNames.has(name)) {
      throw new TypeError(`Cannot use option "${name}" of run() as there is no such option`);
    }
  }
  const { workerSocket = false, mcpListen = false, bootstrapPeers = [], capacity = 0 } = options;
  if (workerSocket !== false) throw absent("workerSocket", "worker socket", "false");
  if (mcpListen !== false) throw absent("mcpListen", "MCP listener", "false");
  for (const peer of bootstrapPeers) checkPeer(peer);
  if (!Number.isSafeInteger(capacity) || capacity < 0) {
    throw new RangeError(
      `Cannot use 'capacity' as it must be a whole number of at least 0: current value is ${capacity}`,
    );
  }
}

const optionNames: ReadonlySet<string> = new Set<keyof RunOptions>([
  "signal",
  "home",
  "configFile",
  "environment",
  "log",
  "clock",
  "random",
  "disk",
  "network",
  "mesh",
  "key",
  "capacity",
  "metricsListen",
  "services",
  "only",
  "onProgress",
  "flags",
  "workerSocket",
  "mcpListen",
  "bootstrapPeers",
]);

function checkPeer({ key, alias = "a", hints = [] }: BootstrapPeer): void {
  const isOne = /^[0-9a-f]{64}$/.test(key) && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(alias) &&
    hints.length <= 16 && hints.every((hint) => hint.length > 0 && hint.length <= 256);
  if (isOne) return;
  throw new TypeError(
    `Cannot use 'bootstrapPeers' as each must have a key of 64 hex digits, and may have an alias and at most 16 hints: current value is ${
      JSON.stringify({ key, alias, hints }).slice(0, 200)
    }`,
  );
}

function absent(name: string, what: string, allowed: string): TypeError {
  return new TypeError(
    `Cannot use '${name}' as this release has no ${what}: only ${allowed} is taken`,
  );
}
