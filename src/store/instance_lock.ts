/**
 * The single-instance lock: an SQLite file held in an exclusive transaction. The system drops the
 * lock when its holder ends, however it ends (kill -9 included), and both runtimes have SQLite, where
 * neither has a portable file lock. The file stays and holds nothing.
 */
import { DatabaseSync } from "node:sqlite";
import { ensurePrivateFile } from "./_private_file.ts";
import { StoreError } from "./errors.ts";

/** A lock that is held. */
export interface InstanceLock {
  /** Lets it go. Repeatable. */
  release(): Promise<void>;
}

/**
 * Takes the lock at `path` (absolute; its directory exists), without waiting.
 *
 * @throws {StoreError} "held" when somebody has it, in another process or in this one; otherwise the
 * disk's "denied", "read-only", "full", "io", or "too-open", "not-a-store" for a foreign file
 */
export async function acquireInstanceLock(path: string): Promise<InstanceLock> {
  let database: DatabaseSync | undefined;
  try {
    await ensurePrivateFile(path);
    database = new DatabaseSync(path, { timeout: 0 });
    database.exec("BEGIN EXCLUSIVE");
  } catch (thrown) {
    if (database?.isOpen) database.close();
    const error = StoreError.from(thrown, `lock "${path}"`);
    if (!(error instanceof StoreError) || error.code !== "busy") throw error;
    const message = `Cannot lock "${path}" as another instance holds it`;
    throw new StoreError({ code: "held", message, cause: thrown });
  }
  return new HeldLock(database);
}

class HeldLock implements InstanceLock {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  release(): Promise<void> {
    // Closing rolls the empty transaction back.
    if (this.#database.isOpen) this.#database.close();
    return Promise.resolve();
  }
}
