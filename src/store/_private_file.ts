/**
 * Makes sure that a database file exists with mode 0600 before SQLite opens it: SQLite itself would
 * create it by the umask, and gives its -wal and -shm files the mode of the database.
 *
 * A file that exists is only looked at, never opened: closing any descriptor of a file drops all of
 * the process's POSIX locks on it, SQLite's included (https://www.sqlite.org/howtocorrupt.html 2.2).
 */
import { DiskError, realDisk } from "../ports/mod.ts";
import { StoreError } from "./errors.ts";

/** Creates the file, or checks its mode. @throws {StoreError} "too-open"; @throws {DiskError} */
export async function ensurePrivateFile(path: string): Promise<void> {
  const disk = realDisk();
  const info = await disk.stat(path);
  if (info === undefined) return await createEmpty(path);
  if ((info.mode & 0o077) === 0) return;
  const mode = info.mode.toString(8).padStart(4, "0");
  throw new StoreError({
    code: "too-open",
    message:
      `Cannot open "${path}" as only its owner may read and write it (chmod 600): current value is ${mode}`,
  });
}

async function createEmpty(path: string): Promise<void> {
  try {
    await (await realDisk().open(path, "create", 0o600)).close();
  } catch (thrown) {
    // Somebody else was quicker, with the same intention.
    if (!(thrown instanceof DiskError && thrown.code === "exists")) throw thrown;
  }
}
