/**
 * Tables on SQLite, with migrations, and the lock that keeps a second node out.
 *
 * @example
 * ```ts
 * const lock = await acquireInstanceLock("/var/lib/skep/lock.sqlite");
 * const store = await openStore({
 *   path: "/var/lib/skep/skep.sqlite",
 *   migrations: [{ name: "settings", sql: "CREATE TABLE settings (name TEXT PRIMARY KEY) STRICT" }],
 * });
 * await store.run("INSERT INTO settings VALUES (?)", ["colour"]);
 * await store.close();
 * await lock.release();
 * ```
 *
 * @module
 */
export { openStore } from "./store.ts";
export type {
  RunResult,
  SqlRow,
  SqlValue,
  Store,
  StoreOptions,
  StoreTransaction,
} from "./store.ts";
export type { Migration } from "./_migrate.ts";
export { acquireInstanceLock } from "./instance_lock.ts";
export type { InstanceLock } from "./instance_lock.ts";
export { StoreError } from "./errors.ts";
export type { StoreErrorCode } from "./errors.ts";
