/** Asks whether a node holds an instance, without loading SQLite into commands that never ask. */
import type { Disk } from "../ports/mod.ts";
import type { NodePaths } from "./paths.ts";

/** Whether somebody holds the instance now; takes and frees the lock to find out. */
export async function isInstanceHeld(paths: NodePaths, disk: Disk): Promise<boolean> {
  if (await disk.stat(paths.lockFile) === undefined) return false;
  const { acquireInstanceLock, StoreError } = await import("../store/mod.ts");
  try {
    await (await acquireInstanceLock(paths.lockFile)).release();
    return false;
  } catch (thrown) {
    if (thrown instanceof StoreError && thrown.code === "held") return true;
    throw thrown;
  }
}
