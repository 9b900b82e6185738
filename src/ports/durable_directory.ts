/** Makes a directory that a power cut does not take away again. */
import type { Disk } from "./disk.ts";

/**
 * Creates the directory and its missing parents, and syncs every directory that got a new entry,
 * and the parent of `path` even when `path` was there (it may be a leftover that was never synced).
 *
 * @throws {DiskError} e.g. "denied", "read-only", or "exists" when a file is in the way
 */
export async function makeDirectoryDurably(
  disk: Disk,
  directory: { readonly path: string; readonly permissions?: number },
): Promise<void> {
  const path = directory.path.replace(/\/+$/, "");
  const changed = [parentOf(path)];
  for (let at = parentOf(path); at !== "/" && await disk.stat(at) === undefined;) {
    at = parentOf(at);
    changed.push(at);
  }
  await disk.makeDirectory(path, directory.permissions ?? 0o700);
  for (const at of changed) await disk.syncDirectory(at);
}

function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}
