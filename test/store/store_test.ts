/** The store's face: values, transactions, limits, permissions, and clear refusals. */
import assert from "node:assert/strict";
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import fc from "fast-check";
import { openStore, StoreError } from "../../src/store/mod.ts";
import type { SqlValue, Store, StoreErrorCode } from "../../src/store/mod.ts";

const migrations = [{
  name: "things",
  sql:
    `CREATE TABLE things (id INTEGER PRIMARY KEY, value ANY, owner INTEGER REFERENCES things (id)) STRICT`,
}];

async function withStore(
  run: (store: Store, path: string) => Promise<void>,
  options: { rowsMax?: number } = {},
): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "skep-store-"));
  const path = `${directory}/a.sqlite`;
  const store = await openStore({ path, migrations, busyTimeoutMs: 50, ...options });
  try {
    await run(store, path);
  } finally {
    await store.close();
    await rm(directory, { recursive: true });
  }
}

function failsWith(run: () => Promise<unknown>, code: StoreErrorCode): Promise<void> {
  return assert.rejects(run, (thrown: unknown) => {
    assert.ok(thrown instanceof StoreError, String(thrown));
    assert.equal(thrown.code, code, thrown.message);
    return true;
  });
}

test("every kind of value comes back as it went in", async () => {
  await withStore(async (store) => {
    const value = fc.oneof(
      fc.constant(null),
      fc.string({ unit: "binary" }).filter((text) => text.isWellFormed() && !text.includes("\0")),
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
      fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Number.isInteger(x)),
      fc.uint8Array(),
    );
    await fc.assert(
      fc.asyncProperty(value, async (value: SqlValue) => {
        await store.run("INSERT OR REPLACE INTO things (id, value) VALUES (1, ?)", [value]);
        const row = await store.get("SELECT value FROM things WHERE id = 1");
        assert.deepEqual(row, { value });
      }),
      { numRuns: 60 },
    );
  });
});

test("run() tells what changed, get() gives undefined for nothing", async () => {
  await withStore(async (store) => {
    assert.deepEqual(await store.run("INSERT INTO things (id) VALUES (?)", [7]), {
      changes: 1,
      lastRowId: 7,
    });
    assert.equal((await store.run("UPDATE things SET value = 1")).changes, 1);
    assert.equal(await store.get("SELECT * FROM things WHERE id = ?", [8]), undefined);
    assert.deepEqual(await store.all("SELECT id FROM things"), [{ id: 7 }]);
  });
});

test("a transaction is all or nothing, and over when its function returns", async () => {
  await withStore(async (store) => {
    const sum = await store.transaction((t) => {
      t.run("INSERT INTO things (id, value) VALUES (1, 10)");
      t.run("INSERT INTO things (id, value) VALUES (2, 20)");
      return t.get("SELECT sum(value) AS sum FROM things");
    });
    assert.deepEqual(sum, { sum: 30 });
    const boom = new TypeError("boom");
    let escaped: (() => unknown) | undefined;
    await assert.rejects(
      store.transaction((t) => {
        escaped = (): unknown => t.all("SELECT 1");
        t.run("DELETE FROM things");
        throw boom;
      }),
      boom,
    );
    assert.equal((await store.all("SELECT id FROM things")).length, 2);
    assert.throws(() => escaped?.(), TypeError);
    await assert.rejects(
      store.transaction((t) => {
        t.run("DELETE FROM things");
        return Promise.resolve();
      }),
      TypeError,
    );
    assert.equal((await store.all("SELECT id FROM things")).length, 2);
  });
});

test("a query beyond rowsMax is refused, and the connection goes on", async () => {
  await withStore(async (store) => {
    for (let i = 0; i < 4; i++) await store.run("INSERT INTO things (value) VALUES (1)");
    await failsWith(() => store.all("SELECT * FROM things"), "too-many-rows");
    assert.equal((await store.all("SELECT * FROM things LIMIT 3")).length, 3);
    await store.run("DELETE FROM things");
  }, { rowsMax: 3 });
});

test("wrong SQL, broken rules and unbindable values say so", async () => {
  await withStore(async (store) => {
    await failsWith(() => store.run("SELEC"), "sql");
    await failsWith(() => store.all("SELECT * FROM missing"), "sql");
    await failsWith(() => store.run("INSERT INTO things (owner) VALUES (99)"), "constraint");
    await failsWith(() => store.run("INSERT INTO things (id) VALUES ('x')"), "constraint");
    await assert.rejects(
      () => store.run("INSERT INTO things (value) VALUES (?)", [{} as unknown as null]),
      TypeError,
    );
  });
});

test("the database and its log files are private, whatever the umask", async () => {
  const umask = process.umask(0);
  try {
    await withStore(async (store, path) => {
      await store.run("INSERT INTO things (value) VALUES (1)");
      const directory = path.slice(0, path.lastIndexOf("/"));
      const names = (await readdir(directory)).sort();
      assert.deepEqual(names, ["a.sqlite", "a.sqlite-shm", "a.sqlite-wal"]);
      for (const name of names) {
        assert.equal((await stat(`${directory}/${name}`)).mode & 0o777, 0o600);
      }
      await chmod(path, 0o640);
      await failsWith(() => openStore({ path, migrations }), "too-open");
    });
  } finally {
    process.umask(umask);
  }
});

test("the durability that the header promises is switched on", async () => {
  await withStore(async (store) => {
    assert.deepEqual(await store.get("PRAGMA journal_mode"), { journal_mode: "wal" });
    assert.deepEqual(await store.get("PRAGMA synchronous"), { synchronous: 2 });
    assert.deepEqual(await store.get("PRAGMA foreign_keys"), { foreign_keys: 1 });
    assert.deepEqual(await store.get("PRAGMA trusted_schema"), { trusted_schema: 0 });
    assert.deepEqual(await store.get("PRAGMA cell_size_check"), { cell_size_check: 1 });
  });
});

test("another writer makes it busy, and a closed store says so", async () => {
  await withStore(async (store, path) => {
    const other = await openStore({ path, migrations, busyTimeoutMs: 0 });
    await store.transaction(() => {
      // Synchronous, so the other connection's attempt is seen when both have settled.
      void other.run("INSERT INTO things (value) VALUES (1)").then(
        () => assert.fail("two writers at once"),
        (thrown: unknown) => assert.equal((thrown as StoreError).code, "busy"),
      );
    });
    await other.close();
    await other.close();
    await failsWith(() => other.run("SELECT 1"), "closed");
  });
});

test("a file that is no database and a missing directory are refused", async () => {
  await withStore(async (_store, path) => {
    const bad = `${path}.bad`;
    await writeFile(bad, "not a database ".repeat(100), { mode: 0o600 });
    await failsWith(() => openStore({ path: bad, migrations }), "not-a-store");
    await failsWith(() => openStore({ path: `${path}/below`, migrations }), "io");
  });
});

test("a store in memory works alike and leaves nothing", async () => {
  const [one, two] = [
    await openStore({ path: ":memory:", migrations }),
    await openStore({ path: ":memory:", migrations }),
  ];
  await one.run("INSERT INTO things (value) VALUES (1)");
  assert.equal((await one.all("SELECT * FROM things")).length, 1);
  assert.deepEqual(await two.all("SELECT * FROM things"), []);
  await one.close();
  await two.close();
});
