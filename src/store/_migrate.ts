/**
 * Brings a database to the newest schema: each migration in one transaction together with its record,
 * so that a crash leaves exactly some version, never half of one.
 */
import { createHash } from "node:crypto";
import type { DatabaseSync } from "node:sqlite";
import { StoreError } from "./errors.ts";

/** One step of the schema. Never edited once released; add another one instead. */
export interface Migration {
  /** A short name, for people. */
  readonly name: string;
  /** SQL statements; tables should be STRICT. No BEGIN or COMMIT. */
  readonly sql: string;
}

interface Applied {
  readonly version: number;
  readonly checksum: string;
}

/** "SKEP" in ASCII; PRAGMA application_id of our databases. */
const APPLICATION_ID = 0x534b4550;

const BOOKKEEPING = `
  CREATE TABLE skep_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL
  ) STRICT`;

/** Applies what is missing; returns the version, which is the number of migrations. */
export function migrate(database: DatabaseSync, migrations: readonly Migration[]): number {
  begin(database);
  const applied = finish(database, () => appliedIn(database));
  check(applied, migrations);
  for (let version = applied.length + 1; version <= migrations.length; version++) {
    const migration = migrations[version - 1];
    if (migration !== undefined) apply(database, { migration, version });
  }
  return migrations.length;
}

/** What was applied; makes the database ours when it is new. */
function appliedIn(database: DatabaseSync): Applied[] {
  const id = database.prepare("PRAGMA application_id").get()?.["application_id"];
  const tables = database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.["count"];
  if (id !== APPLICATION_ID) {
    if (tables !== 0 || id !== 0) throw notOurs(id);
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; ${BOOKKEEPING}`);
  }
  const rows = database.prepare("SELECT version, checksum FROM skep_migrations ORDER BY version")
    .all();
  return rows.map((row) => ({
    version: Number(row["version"]),
    checksum: String(row["checksum"]),
  }));
}

function check(applied: readonly Applied[], migrations: readonly Migration[]): void {
  if (applied.length > migrations.length) {
    const message =
      `Cannot open the store as a newer version wrote it: current value is schema ${applied.length}, this program knows ${migrations.length}`;
    throw new StoreError({ code: "newer", message });
  }
  applied.forEach(({ version, checksum }, i) => {
    const migration = migrations[i];
    if (version === i + 1 && migration !== undefined && checksumOf(migration) === checksum) return;
    const message =
      `Cannot open the store as an applied migration must not change: current value is number ${version} ("${migration?.name}")`;
    throw new StoreError({ code: "changed-migration", message });
  });
}

function apply(database: DatabaseSync, step: { migration: Migration; version: number }): void {
  const { name, sql } = step.migration;
  begin(database);
  finish(database, () => {
    try {
      database.exec(sql);
    } catch (thrown) {
      const reason = thrown instanceof Error ? thrown.message : String(thrown);
      throw failed(step, { reason, cause: thrown });
    }
    if (!database.isTransaction) {
      throw failed(step, { reason: "it must not end its transaction" });
    }
    database.prepare("INSERT INTO skep_migrations VALUES (?, ?, ?)")
      .run(step.version, name, checksumOf(step.migration));
  });
}

function begin(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
}

function finish<T>(database: DatabaseSync, work: () => T): T {
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (thrown) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw thrown;
  }
}

/** SHA-256 of the SQL; the name may be corrected. */
function checksumOf({ sql }: Migration): string {
  return createHash("sha256").update(sql).digest("hex");
}

function failed(
  step: { migration: Migration; version: number },
  about: { reason: string; cause?: unknown },
): StoreError {
  const message =
    `Cannot migrate the store to version ${step.version} ("${step.migration.name}") as ${about.reason}`;
  return new StoreError({ code: "migration", message, cause: about.cause });
}

function notOurs(id: unknown): StoreError {
  const message =
    `Cannot open the store as the file must be one of ours: current value is a database with application_id ${id}`;
  return new StoreError({ code: "not-a-store", message });
}
