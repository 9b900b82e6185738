/**
 * Replaces a small file so that a crash leaves the old one or the new one, whole.
 *
 * Steps: write a temporary file beside it, sync it, rename it over the target, sync the directory.
 * Without the first sync the rename may survive and the data not; without the second the rename
 * itself may be lost after this function returned.
 */
import type { Disk } from "./disk.ts";

/** How to write: the permissions of the new file, whatever the old one's were. */
export interface DurableWrite {
  /** Permission bits of the file. @default 0o600 */
  readonly permissions?: number;
}

/**
 * Replaces the file at `path` by `bytes`; on return they survive a power cut. The temporary file
 * is `<path>.tmp`; a leftover of an earlier crash is overwritten, and removed on failure.
 *
 * One writer at a time per path. @throws {DiskError} and then the old file is still there, whole
 * (or, when only the last step failed, perhaps already the new one)
 */
export async function writeFileDurably(
  disk: Disk,
  file: { readonly path: string; readonly bytes: Uint8Array } & DurableWrite,
): Promise<void> {
  const temporary = `${file.path}.tmp`;
  try {
    await writeSynced(disk, { ...file, path: temporary });
    await disk.rename(temporary, file.path);
  } catch (thrown) {
    await removeQuietly(disk, temporary);
    throw thrown;
  }
  await disk.syncDirectory(directoryOf(file.path));
}

/** Reads a whole file. @throws {DiskError} @throws {RangeError} when longer than `bytesMax` */
export async function readWholeFile(
  disk: Disk,
  file: { readonly path: string; readonly bytesMax: number },
): Promise<Uint8Array> {
  const handle = await disk.open(file.path, "read");
  try {
    const size = await handle.sizeBytes();
    if (size > file.bytesMax) {
      throw new RangeError(
        `Cannot read "${file.path}" as its length must be at most ${file.bytesMax} bytes: current value is ${size}`,
      );
    }
    const bytes = new Uint8Array(size);
    let filled = 0;
    while (filled < size) {
      const count = await handle.read(bytes.subarray(filled), filled);
      if (count === 0) return bytes.subarray(0, filled);
      filled += count;
    }
    return bytes;
  } finally {
    await handle.close();
  }
}

async function writeSynced(
  disk: Disk,
  file: { readonly path: string; readonly bytes: Uint8Array } & DurableWrite,
): Promise<void> {
  // Removed rather than truncated: a leftover may have other permissions.
  if (await disk.stat(file.path) !== undefined) await disk.remove(file.path);
  const handle = await disk.open(file.path, "create", file.permissions ?? 0o600);
  try {
    await handle.write(file.bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function removeQuietly(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch {
    // The failure that led here is the one to report; a leftover is overwritten next time.
  }
}

function directoryOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? "/" : path.slice(0, end);
}
