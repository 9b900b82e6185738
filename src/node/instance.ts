/**
 * One node for one state directory, and one for one socket directory: the lock file first, which the
 * system frees when its holder dies, then a live probe of the control socket.
 */
import { NetworkError } from "../ports/mod.ts";
import type { Clock, Disk, Network } from "../ports/mod.ts";
import { acquireInstanceLock, StoreError } from "../store/mod.ts";
import { NodeError } from "./node_error.ts";
import type { NodePaths } from "./paths.ts";
import { readRuntimeInfo } from "./runtime_file.ts";

/** What holding the instance gives. */
export interface HeldInstance {
  /** Lets the next node start. */
  release(): Promise<void>;
}

/** What taking the instance touches. */
export interface InstancePorts {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly network: Network;
  /** Whether there is a lock file: SQLite sees the machine's own disk only. */
  readonly locks: boolean;
}

/** How long a control socket may take to accept. */
const PROBE_MS_MAX = 2_000;

/** Takes the instance. @throws {NodeError} "already-running", saying who holds it */
export async function takeInstance(paths: NodePaths, ports: InstancePorts): Promise<HeldInstance> {
  const lock = ports.locks ? await takeLock(paths, ports.disk) : noLock;
  try {
    if (!await answers(paths.controlSocket, ports)) return lock;
  } catch (thrown) {
    await lock.release();
    throw thrown;
  }
  await lock.release();
  throw alreadyRunning(
    `another node answers at ${paths.controlSocket}: set SKEP_SOCKET_DIR for one of the two`,
  );
}

const noLock: HeldInstance = { release: () => Promise.resolve() };

async function takeLock(paths: NodePaths, disk: Disk): Promise<HeldInstance> {
  try {
    return await acquireInstanceLock(paths.lockFile);
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.code === "held") {
      throw alreadyRunning(await holder(paths, disk));
    }
    throw NodeError.from(thrown, { code: "paths", doing: "take the instance lock" });
  }
}

async function holder(paths: NodePaths, disk: Disk): Promise<string> {
  const info = await readRuntimeInfo({ disk, path: paths.runtimeFile });
  if (info === undefined) return `another one with state in ${paths.directories.state} is starting`;
  const since = new Date(info.startedAtMs).toISOString();
  return `process ${info.pid} has been running since ${since}, with sockets in ${info.sockets}`;
}

function alreadyRunning(who: string): NodeError {
  const message = `Cannot start the node as a node is already running: ${who}`;
  return new NodeError({ code: "already-running", message });
}

/** Whether anybody accepts there. A file that refuses is a dead node's; the kernel replaces it. */
async function answers(path: string, ports: InstancePorts): Promise<boolean> {
  const deadline = new AbortController();
  const timer = ports.clock.after(PROBE_MS_MAX, () => deadline.abort());
  try {
    (await ports.network.dial({ kind: "unix", path }, deadline.signal)).destroy();
    return true;
  } catch (thrown) {
    if (deadline.signal.aborted) return true;
    if (thrown instanceof NetworkError && free.has(thrown.code)) return false;
    throw NodeError.from(thrown, { code: "paths", doing: `probe ${path}` });
  } finally {
    timer.cancel();
  }
}

const free: ReadonlySet<string> = new Set(["refused", "not-found"]);
