/**
 * Where a node can run. It is asked before the boot's own modules are loaded, since on an older Node
 * already loading them fails, and less clearly.
 */
import { platformName, runtimeName, runtimeVersion } from "../platform/mod.ts";
import { NodeError } from "./node_error.ts";

/** The oldest Node that has all that is used (node:sqlite, iterator helpers), and is tested. */
const NODE_MAJOR_MIN = 24;

/** What the platform says of itself. */
export interface PlatformFacts {
  /** "linux", "darwin", "win32" ... */
  readonly platform: string;
  readonly runtime: "deno" | "node";
  /** The runtime's version, "24.1.0". */
  readonly version: string;
}

/**
 * `refusePlatform` of this process. The command line asks it before any command.
 *
 * @throws {NodeError} code "unsupported"
 */
export function refuseThisPlatform(): void {
  refusePlatform({
    platform: platformName(),
    runtime: runtimeName(),
    version: runtimeVersion(),
  });
}

/**
 * Refuses Windows, which has neither Unix sockets with permissions nor the durability that the
 * journal needs, and a Node that is too old.
 *
 * @throws {NodeError} code "unsupported"
 */
export function refusePlatform({ platform, runtime, version }: PlatformFacts): void {
  if (platform !== "linux" && platform !== "darwin") {
    const called = platform === "win32" ? "Windows" : platform;
    throw new NodeError({
      code: "unsupported",
      message:
        `Skep runs on Linux and macOS; ${called} is not supported: use a virtual machine, or on Windows its Subsystem for Linux (WSL 2)`,
    });
  }
  if (runtime === "node" && Number.parseInt(version) < NODE_MAJOR_MIN) {
    throw new NodeError({
      code: "unsupported",
      message:
        `Skep runs on Node ${NODE_MAJOR_MIN} and later, and on Deno: this is Node ${version}`,
    });
  }
}
