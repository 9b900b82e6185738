/** Makes a directory that a power cut does not take away again. */
import { DiskError } from "./disk.ts";
import type { Disk } from "./disk.ts";

/**
 * Creates the directory and its missing parents, and syncs every directory that got a new entry,
 * and the parent of `path` even when `path` was there (it may be a leftover that was never synced).
 * A parent that this process may not read (above a sandbox's root, say) cannot be synced and is
 * passed over: then its entry is as durable as whoever gave the permission made it.
 *
 * @throws {DiskError} e.g. "denied", "read-only", or "exists" when a file is in the way
 */
export async function makeDirectoryDurably(
  disk: Disk,
  directory: { readonly path: string; readonly permissions?: number },
): Promise<void> {
  const path = directory.path.replace(/\/+$/, "");
  const changed = [parentOf(path)];
  for (let at = parentOf(path); at !== "/" && await isMissing(disk, at);) {
    at = parentOf(at);
    changed.push(at);
  }
  await disk.makeDirectory(path, directory.permissions ?? 0o700);
  for (const at of changed) await syncIfReadable(disk, at);
}

async function isMissing(disk: Disk, path: string): Promise<boolean> {
  try {
    return await disk.stat(path) === undefined;
  } catch (thrown) {
    if (isDenied(thrown)) return false;
    throw thrown;
  }
}

async function syncIfReadable(disk: Disk, path: string): Promise<void> {
  try {
    await disk.syncDirectory(path);
  } catch (thrown) {
    if (!isDenied(thrown)) throw thrown;
  }
}

function isDenied(thrown: unknown): boolean {
  return thrown instanceof DiskError && thrown.code === "denied";
}

function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}
