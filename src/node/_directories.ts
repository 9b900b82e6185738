/** Creates the node's directories, and refuses a socket directory that others could change. */
import { makeDirectoryDurably } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { NodeError } from "./node_error.ts";
import type { NodePaths } from "./paths.ts";

/** Permission bits that let somebody else put a socket of theirs in place of ours. */
const WRITABLE_BY_OTHERS = 0o022;

/** Creates what is missing, 0700. @throws {DiskError} @throws {NodeError} code "paths" */
export async function prepareDirectories(paths: NodePaths, disk: Disk): Promise<void> {
  const { config, state, data, sockets } = paths.directories;
  for (const path of [config, state, data, sockets]) {
    if (await disk.stat(path) === undefined) await makeDirectoryDurably(disk, { path });
  }
  const info = await disk.stat(sockets);
  if (info?.kind === "directory" && (info.mode & WRITABLE_BY_OTHERS) === 0) return;
  const found = info === undefined
    ? "nothing"
    : `${info.kind} with mode ${info.mode.toString(8).padStart(4, "0")}`;
  throw new NodeError({
    code: "paths",
    message:
      `Cannot use ${sockets} for sockets as it must be a directory that only its owner may change (chmod 700 it, or set SKEP_SOCKET_DIR): current value is ${found}`,
  });
}
