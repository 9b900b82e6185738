/**
 * The disk port over node:fs/promises. A table of small functions: what the interface promises and
 * the platforms differ in (permissions under a umask, unlinking a directory) is evened out here,
 * and nothing else is decided.
 */
import { constants } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname, isAbsolute } from "node:path";
import type { Disk, DiskFile, FileInfo, OpenMode } from "./disk.ts";
import { diskError, errnoOf, toDiskError } from "./_errors.ts";
import { RealFile } from "./_real_file.ts";

/** The machine's file systems. */
export function realDisk(): Disk {
  return { open, stat, list, makeDirectory, rename, remove, removeDirectory, syncDirectory };
}

/** Open flags for a file that exists; the creating modes add O_CREAT | O_EXCL first. */
const existingFlags: Readonly<Record<OpenMode, number>> = {
  read: constants.O_RDONLY,
  append: constants.O_WRONLY | constants.O_APPEND,
  create: constants.O_WRONLY,
  truncate: constants.O_WRONLY | constants.O_TRUNC,
  update: constants.O_RDWR,
};

/** How often "create it" and "it exists" may alternate before somebody else's loop is blamed. */
const OPEN_ATTEMPTS_MAX = 8;

async function open(path: string, mode: OpenMode, permissions = 0o600): Promise<DiskFile> {
  checkPath(path);
  return await attempt("open", path, async () => {
    const handle = await openHandle(path, mode, permissions);
    return new RealFile(handle, { path, append: mode === "append" });
  });
}

/** Creation is exclusive, so that a file's permissions are set exactly when this call made it. */
async function openHandle(
  path: string,
  mode: OpenMode,
  permissions: number,
): Promise<fs.FileHandle> {
  const flags = existingFlags[mode];
  if (mode === "read" || mode === "update") return await openExisting(path, flags);
  for (let i = 0; i < OPEN_ATTEMPTS_MAX; i++) {
    try {
      return await createExclusively(path, flags, permissions);
    } catch (thrown) {
      if (mode === "create" || errnoOf(thrown) !== "EEXIST") throw thrown;
    }
    try {
      return await openExisting(path, flags);
    } catch (thrown) {
      if (errnoOf(thrown) !== "ENOENT") throw thrown;
    }
  }
  throw diskError("io", { verb: "open", path });
}

async function createExclusively(
  path: string,
  flags: number,
  permissions: number,
): Promise<fs.FileHandle> {
  const handle = await fs.open(path, flags | constants.O_CREAT | constants.O_EXCL, permissions);
  try {
    await handle.chmod(permissions);
  } catch (thrown) {
    await handle.close();
    throw thrown;
  }
  return handle;
}

async function openExisting(path: string, flags: number): Promise<fs.FileHandle> {
  const handle = await fs.open(path, flags);
  const info = await handle.stat();
  if (!info.isDirectory()) return handle;
  await handle.close();
  throw diskError("is-a-directory", { verb: "open", path });
}

async function stat(path: string): Promise<FileInfo | undefined> {
  checkPath(path);
  return await attempt("stat", path, async () => {
    try {
      const info = await fs.stat(path);
      const kind = info.isFile() ? "file" : info.isDirectory() ? "directory" : "other";
      const mode = info.mode & 0o777;
      const modifiedMs = Math.floor(info.mtimeMs);
      return { kind, sizeBytes: info.size, mode, ownerId: info.uid, modifiedMs };
    } catch (thrown) {
      const errno = errnoOf(thrown);
      if (errno === "ENOENT" || errno === "ENOTDIR") return undefined;
      throw thrown;
    }
  });
}

async function list(path: string): Promise<string[]> {
  checkPath(path);
  return await attempt("list", path, async () => (await fs.readdir(path)).sort());
}

async function makeDirectory(path: string, permissions = 0o700): Promise<void> {
  checkPath(path);
  await attempt("create directory", path, () => makeWithParents(path, permissions));
}

/** Asks upwards only where something is missing: a sandbox need not let its parents be seen. */
async function makeWithParents(path: string, permissions: number): Promise<void> {
  try {
    return await makeOne(path, permissions);
  } catch (thrown) {
    const errno = errnoOf(thrown);
    if (errno === "EEXIST" && (await fs.stat(path)).isDirectory()) return;
    if (errno !== "ENOENT" || dirname(path) === path) throw thrown;
  }
  await makeWithParents(dirname(path), permissions);
  await makeWithParents(path, permissions);
}

async function makeOne(path: string, permissions: number): Promise<void> {
  await fs.mkdir(path, { mode: permissions });
  // Only where a umask got in the way: leave to create below a folder is not leave to change it.
  if (((await fs.stat(path)).mode & 0o777) !== permissions) await fs.chmod(path, permissions);
}

async function rename(from: string, to: string): Promise<void> {
  checkPath(from);
  checkPath(to);
  await attempt(`rename to "${to}" from`, from, () => fs.rename(from, to));
}

async function remove(path: string): Promise<void> {
  checkPath(path);
  await attempt("remove", path, async () => {
    // Deno's unlink also takes directories, so the kind is asked first.
    if ((await fs.lstat(path)).isDirectory()) {
      throw diskError("is-a-directory", { verb: "remove", path });
    }
    await fs.unlink(path);
  });
}

async function removeDirectory(path: string): Promise<void> {
  checkPath(path);
  await attempt("remove directory", path, () => fs.rmdir(path));
}

async function syncDirectory(path: string): Promise<void> {
  checkPath(path);
  await attempt("sync directory", path, async () => {
    const handle = await fs.open(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  });
}

async function attempt<T>(verb: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (thrown) {
    throw toDiskError(thrown, { verb, path });
  }
}

function checkPath(path: string): void {
  if (isAbsolute(path) && !path.includes("\0")) return;
  throw new TypeError(
    `Cannot use a path as it must be absolute and without NUL: current value is ${
      JSON.stringify(path)
    }`,
  );
}
