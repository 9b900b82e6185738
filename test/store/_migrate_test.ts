/**
 * Migrations: order, checksums, and what a crash leaves. SQLite does its own file work and so cannot
 * run on the modelled disk; instead a process is really killed in the middle of migrating, again and
 * again, and the schema must be that of one exact version each time.
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { openStore, StoreError } from "../../src/store/mod.ts";
import type { Migration, StoreErrorCode } from "../../src/store/mod.ts";
import { SeededRandom } from "../../src/sim/mod.ts";
import { firstLine, kill, startChild } from "./_children.ts";
import { longMigrations, rowsPerTable } from "./_long_migrations.ts";

const KILLS = 3 * Number(process.env["SKEP_TEST_RUNS"] ?? 1);

async function inDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "skep-migrate-"));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

function failsWith(
  open: { path: string; migrations: readonly Migration[] },
  code: StoreErrorCode,
): Promise<void> {
  return assert.rejects(() => openStore(open), (thrown: unknown) => {
    assert.ok(thrown instanceof StoreError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return true;
  });
}

const one = { name: "one", sql: "CREATE TABLE one (x INTEGER) STRICT" };
const two = { name: "two", sql: "CREATE TABLE two (x INTEGER) STRICT" };

test("migrations are applied once, in order, and later ones are added", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/a.sqlite`;
    for (const migrations of [[], [one], [one], [one, two]]) {
      const store = await openStore({ path, migrations });
      assert.equal(store.version, migrations.length);
      await store.close();
    }
    const store = await openStore({ path, migrations: [one, two] });
    await store.run("INSERT INTO two VALUES (1)");
    await store.close();
  });
});

test("a newer database and a changed migration are refused, a renamed one is not", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/a.sqlite`;
    await (await openStore({ path, migrations: [one, two] })).close();
    await failsWith({ path, migrations: [one] }, "newer");
    await failsWith({ path, migrations: [two, one] }, "changed-migration");
    await failsWith(
      { path, migrations: [{ ...one, sql: `${one.sql} ` }, two] },
      "changed-migration",
    );
    await (await openStore({ path, migrations: [{ ...one, name: "uno" }, two] })).close();
  });
});

test("a failing migration leaves the version before it, and nothing of its own", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/a.sqlite`;
    const bad = { name: "bad", sql: "CREATE TABLE half (x INTEGER) STRICT; CREATE TABLE one (x)" };
    await failsWith({ path, migrations: [one, bad] }, "migration");
    const ending = { name: "ending", sql: "CREATE TABLE half (x INTEGER) STRICT; COMMIT" };
    await failsWith({ path: `${directory}/b.sqlite`, migrations: [one, ending] }, "migration");
    const store = await openStore({ path, migrations: [one] });
    assert.deepEqual(await store.all("SELECT name FROM sqlite_schema WHERE name = 'half'"), []);
    await store.close();
  });
});

test("another program's database is refused and left alone", async () => {
  await inDirectory(async (directory) => {
    const path = `${directory}/other.sqlite`;
    const umask = process.umask(0o077);
    const other = new DatabaseSync(path);
    process.umask(umask);
    other.exec("CREATE TABLE theirs (x)");
    other.close();
    await failsWith({ path, migrations: [one] }, "not-a-store");
    const again = new DatabaseSync(path);
    assert.equal(again.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"], 1);
    again.close();
  });
});

test(
  "a process killed while it migrates leaves exactly some version",
  { timeout: 120_000 },
  async () => {
    const random = new SeededRandom(20);
    const versions: number[] = [];
    for (let round = 0; round < KILLS; round++) {
      await inDirectory(async (directory) => {
        const path = `${directory}/a.sqlite`;
        const child = startChild(new URL("./_migrate_child.ts", import.meta.url), [path]);
        child.process.stdin.end();
        await firstLine(child);
        await new Promise((resolve) => setTimeout(resolve, 10 + random.below(250)));
        await kill(child);
        versions.push(versionOf(path));
        const store = await openStore({ path, migrations: longMigrations });
        assert.equal(store.version, longMigrations.length);
        assert.deepEqual(await store.all("PRAGMA integrity_check"), [{ integrity_check: "ok" }]);
        await store.close();
      });
    }
    // Shown, so that a run tells whether its kills landed inside.
    console.log(`versions after ${KILLS} kills: ${versions.join()}`);
  },
);

/** The version by the record, after checking that the schema is that version's and no other's. */
function versionOf(path: string): number {
  if (!existsSync(path)) return 0;
  const database = new DatabaseSync(path);
  try {
    const count = (sql: string): number => Number(database.prepare(sql).get()?.["n"]);
    const records = "SELECT count(*) AS n FROM sqlite_schema WHERE name = 'skep_migrations'";
    const version = count(records) === 0 ? 0 : count("SELECT count(*) AS n FROM skep_migrations");
    const tables = "SELECT count(*) AS n FROM sqlite_schema WHERE name GLOB 't[0-9]*'";
    assert.equal(count(tables), version);
    assert.equal(
      count("SELECT count(*) AS n FROM sqlite_schema WHERE name GLOB 'i[0-9]*'"),
      version,
    );
    for (let i = 1; i <= version; i++) {
      assert.equal(count(`SELECT count(*) AS n FROM t${i}`), rowsPerTable);
      const columns = count(`SELECT count(*) AS n FROM pragma_table_info('t${i}')`);
      assert.equal(columns, i < version ? 3 : 2, `columns of t${i} at version ${version}`);
    }
    return version;
  } finally {
    database.close();
  }
}
