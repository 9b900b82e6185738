/**
 * Creates the node's directories, and refuses a socket directory that others could change. It may be
 * below a folder in which everybody creates what they like, so somebody else may have been first.
 */
import { encodeHex } from "../hot/mod.ts";
import { makeDirectoryDurably } from "../ports/mod.ts";
import { DiskError } from "../ports/mod.ts";
import type { Disk, FileInfo, Random } from "../ports/mod.ts";
import { NodeError } from "./node_error.ts";
import type { NodePaths } from "./paths.ts";

/** Permission bits that let somebody else put a socket of theirs in place of ours. */
const WRITABLE_BY_OTHERS = 0o022;

/** Where directories are made, and what names the probe. */
export interface DirectoryPorts {
  readonly disk: Disk;
  readonly random: Random;
}

/** Creates what is missing, 0700. @throws {DiskError} @throws {NodeError} code "paths" */
export async function prepareDirectories(paths: NodePaths, ports: DirectoryPorts): Promise<void> {
  const { disk } = ports;
  const { config, state, data, sockets } = paths.directories;
  for (const path of [config, state, data, sockets]) {
    if (await disk.stat(path) === undefined) await makeDirectoryDurably(disk, { path });
  }
  const info = await disk.stat(sockets);
  if (info?.kind !== "directory") throw refusal(sockets, info?.kind ?? "nothing");
  if ((info.mode & WRITABLE_BY_OTHERS) !== 0) {
    throw refusal(sockets, `mode ${info.mode.toString(8).padStart(4, "0")}`);
  }
  if (!await isOurs({ path: sockets, info }, ports)) {
    throw refusal(sockets, `owned by user ${info.ownerId}`);
  }
}

/**
 * Whether the directory has the owner that files of this process get. The process's own number
 * would need a permission of its own under Deno, and is not what a mapped file system shows.
 */
async function isOurs(
  directory: { readonly path: string; readonly info: FileInfo },
  { disk, random }: DirectoryPorts,
): Promise<boolean> {
  const name = encodeHex(random.fill(new Uint8Array(8)));
  const path = `${directory.path}/.owner-${name}`;
  try {
    await (await disk.open(path, "create")).close();
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "denied") return false;
    throw thrown;
  }
  const probe = await disk.stat(path);
  await disk.remove(path);
  return probe?.ownerId === directory.info.ownerId;
}

function refusal(path: string, found: string): NodeError {
  return new NodeError({
    code: "paths",
    message:
      `Cannot use ${path} for sockets as it must be a directory of this user that nobody else may change (chmod 700 it, or set SKEP_SOCKET_DIR to another): current value is ${found}`,
  });
}
