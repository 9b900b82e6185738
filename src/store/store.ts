/**
 * The node's tables: SQLite through node:sqlite, one connection, one file, private to its owner.
 *
 * The face is asynchronous, so that it can be served from elsewhere later; underneath, SQLite runs
 * where it is called and statements never interleave.
 */
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import { migrate } from "./_migrate.ts";
import type { Migration } from "./_migrate.ts";
import { ensurePrivateFile } from "./_private_file.ts";
import { StoreError } from "./errors.ts";

/** A value of SQLite. Integers within 2^53 - 1 are read as numbers, larger ones as bigints. */
export type SqlValue = null | number | bigint | string | Uint8Array;

/** One row by column name. */
export type SqlRow = Record<string, SqlValue>;

/** What a statement changed. */
export interface RunResult {
  /** Rows inserted, updated or deleted. */
  readonly changes: number;
  /** Row id of the last insert on the connection. */
  readonly lastRowId: number | bigint;
}

/** Statements inside a transaction; works at once, and only until the transaction's function returns. */
export interface StoreTransaction {
  /** Runs one statement. @throws {StoreError} */
  run(sql: string, parameters?: readonly SqlValue[]): RunResult;
  /** All rows, at most `rowsMax`. @throws {StoreError} */
  all(sql: string, parameters?: readonly SqlValue[]): SqlRow[];
  /** The first row, or undefined. @throws {StoreError} */
  get(sql: string, parameters?: readonly SqlValue[]): SqlRow | undefined;
}

/** The node's tables. Parameters stand for `?` in order; nothing is ever pasted into SQL. */
export interface Store {
  /** The schema's version: how many migrations are applied. */
  readonly version: number;
  /** Runs one statement. @throws {StoreError} {TypeError} for a value that SQLite cannot hold */
  run(sql: string, parameters?: readonly SqlValue[]): Promise<RunResult>;
  /** All rows, at most `rowsMax`. @throws {StoreError} "too-many-rows" beyond, and as `run` */
  all(sql: string, parameters?: readonly SqlValue[]): Promise<SqlRow[]>;
  /** The first row, or undefined. @throws as `run` */
  get(sql: string, parameters?: readonly SqlValue[]): Promise<SqlRow | undefined>;
  /**
   * Runs `work` in one transaction: all of it or, when it throws, nothing. `work` is synchronous, so
   * no other statement can come in between; one that returns a promise is rolled back.
   */
  transaction<T>(work: (transaction: StoreTransaction) => T): Promise<T>;
  /** Closes; the write-ahead log is merged into the file. Repeatable. */
  close(): Promise<void>;
}

/** What to open, and limits. */
export interface StoreOptions {
  /** Absolute path of the database, whose directory exists; or ":memory:" for tables without a file. */
  readonly path: string;
  /** The schema, oldest step first. */
  readonly migrations: readonly Migration[];
  /** Rows that one query may give. @default 10000 */
  readonly rowsMax?: number;
  /** How long to wait for another connection's write, in milliseconds. @default 5000 */
  readonly busyTimeoutMs?: number;
}

/**
 * What is asked of SQLite, and what it promises for it (https://www.sqlite.org/pragma.html):
 * - journal_mode=WAL: changes go to a write-ahead log; a reader and the writer do not block each other.
 * - synchronous=FULL: in WAL mode the log is synced after every commit, so a committed transaction is
 *   durable across a power loss (NORMAL would only keep the database consistent).
 * - fullfsync, checkpoint_fullfsync: on macOS, sync by F_FULLFSYNC, through the drive's own cache;
 *   no effect elsewhere.
 * - foreign_keys=ON: REFERENCES is enforced, which SQLite by default does not.
 * - trusted_schema=OFF: functions in a tampered schema cannot have side effects.
 * - cell_size_check=ON: damaged pages are noticed earlier.
 * - temp_store=MEMORY: no temporary files with private content.
 * - journal_size_limit: after a checkpoint the log is cut to at most 16 MiB.
 */
const PRAGMAS = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = FULL;
  PRAGMA fullfsync = ON;
  PRAGMA checkpoint_fullfsync = ON;
  PRAGMA foreign_keys = ON;
  PRAGMA trusted_schema = OFF;
  PRAGMA cell_size_check = ON;
  PRAGMA temp_store = MEMORY;
  PRAGMA journal_size_limit = 16777216;`;

/** SQLite's name for a database that lives and dies with its connection. */
const MEMORY = ":memory:";

/** Prepared statements that are kept; the least recently used goes first. */
const STATEMENTS_MAX = 64;

/**
 * Opens the database, creating it with mode 0600 when missing, and applies what migrations are missing.
 *
 * @throws {StoreError} "newer", "changed-migration", "migration", "not-a-store", "too-open", "busy",
 * or the disk's
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { path, migrations, rowsMax = 10_000, busyTimeoutMs = 5000 } = options;
  let database: DatabaseSync | undefined;
  try {
    if (path !== MEMORY) await ensurePrivateFile(path);
    database = new DatabaseSync(path, { timeout: busyTimeoutMs });
    database.exec(PRAGMAS);
    const version = migrate(database, migrations);
    return new SqliteStore(database, { version, rowsMax });
  } catch (thrown) {
    if (database?.isOpen) database.close();
    throw StoreError.from(thrown, `open the store "${path}"`);
  }
}

class SqliteStore implements Store {
  readonly version: number;
  readonly #database: DatabaseSync;
  readonly #rowsMax: number;
  readonly #statements = new Map<string, StatementSync>();
  #inTransaction = false;

  constructor(database: DatabaseSync, options: { version: number; rowsMax: number }) {
    this.#database = database;
    this.version = options.version;
    this.#rowsMax = options.rowsMax;
  }

  // deno-lint-ignore require-await -- rejects, never throws
  async run(sql: string, parameters: readonly SqlValue[] = []): Promise<RunResult> {
    return this.#run(sql, parameters);
  }

  // deno-lint-ignore require-await -- as above
  async all(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlRow[]> {
    return this.#all(sql, parameters);
  }

  // deno-lint-ignore require-await -- as above
  async get(sql: string, parameters: readonly SqlValue[] = []): Promise<SqlRow | undefined> {
    return this.#get(sql, parameters);
  }

  // deno-lint-ignore require-await -- as above
  async transaction<T>(work: (transaction: StoreTransaction) => T): Promise<T> {
    if (this.#inTransaction) {
      throw new TypeError(
        "Cannot begin a transaction as none may be open: current value is one inside another",
      );
    }
    this.#exec("BEGIN IMMEDIATE");
    this.#inTransaction = true;
    try {
      const result = this.#work(work);
      this.#exec("COMMIT");
      return result;
    } catch (thrown) {
      if (this.#database.isTransaction) this.#exec("ROLLBACK");
      throw thrown;
    } finally {
      this.#inTransaction = false;
    }
  }

  close(): Promise<void> {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
    return Promise.resolve();
  }

  #work<T>(work: (transaction: StoreTransaction) => T): T {
    let active = true;
    const guarded = <A extends unknown[], R>(fn: (...args: A) => R) => (...args: A): R => {
      if (active) return fn(...args);
      throw new TypeError(
        "Cannot use a transaction as it must still be open: current value is ended",
      );
    };
    try {
      const result = work({
        run: guarded((sql, parameters = []) => this.#run(sql, parameters)),
        all: guarded((sql, parameters = []) => this.#all(sql, parameters)),
        get: guarded((sql, parameters = []) => this.#get(sql, parameters)),
      });
      if (!(result instanceof Promise)) return result;
      result.catch(() => {});
      throw new TypeError(
        "Cannot run a transaction as its function must be synchronous: current value is a promise",
      );
    } finally {
      active = false;
    }
  }

  #run(sql: string, parameters: readonly SqlValue[]): RunResult {
    return this.#attempt(() => {
      const result = this.#prepared(sql).run(...checked(parameters));
      return { changes: Number(result.changes), lastRowId: plain(result.lastInsertRowid) };
    });
  }

  #all(sql: string, parameters: readonly SqlValue[]): SqlRow[] {
    return this.#attempt(() => {
      const rows: SqlRow[] = [];
      for (const row of this.#prepared(sql).iterate(...checked(parameters))) {
        if (rows.length === this.#rowsMax) throw tooManyRows(this.#rowsMax);
        rows.push(rowOf(row));
      }
      return rows;
    });
  }

  #get(sql: string, parameters: readonly SqlValue[]): SqlRow | undefined {
    return this.#attempt(() => {
      const row = this.#prepared(sql).get(...checked(parameters));
      return row === undefined ? undefined : rowOf(row);
    });
  }

  #exec(sql: string): void {
    this.#attempt(() => this.#database.exec(sql));
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    this.#statements.delete(sql);
    const statement = known ?? this.#database.prepare(sql);
    statement.setReadBigInts(true);
    this.#statements.set(sql, statement);
    const oldest = this.#statements.keys().next().value;
    if (this.#statements.size > STATEMENTS_MAX && oldest !== undefined) {
      this.#statements.delete(oldest);
    }
    return statement;
  }

  #attempt<T>(work: () => T): T {
    if (!this.#database.isOpen) {
      throw new StoreError({ code: "closed", message: "Cannot use the store as it is closed" });
    }
    try {
      return work();
    } catch (thrown) {
      throw StoreError.from(thrown, "run a statement");
    }
  }
}

/** Without this, node:sqlite takes an object in the first place for named parameters. */
function checked(parameters: readonly SqlValue[]): readonly SqlValue[] {
  for (const value of parameters) {
    if (value === null || value instanceof Uint8Array) continue;
    if (typeof value === "string" || typeof value === "number" || typeof value === "bigint") {
      continue;
    }
    throw new TypeError(
      `Cannot bind a parameter as it must be null, a number, a bigint, a string or bytes: current value is ${typeof value}`,
    );
  }
  return parameters;
}

function rowOf(row: Record<string, SqlValue>): SqlRow {
  const copy: SqlRow = {};
  for (const [name, value] of Object.entries(row)) {
    copy[name] = typeof value === "bigint" ? plain(value) : value;
  }
  return copy;
}

function plain(value: number | bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function tooManyRows(rowsMax: number): StoreError {
  const message =
    `Cannot run a query as it must give at most ${rowsMax} rows: current value is more; add a LIMIT`;
  return new StoreError({ code: "too-many-rows", message });
}
