/** Migrations that take a while, each in several statements, so that a kill lands inside one. */
import type { Migration } from "../../src/store/mod.ts";

/** Rows that every table gets. */
export const rowsPerTable = 3000;

/** Version n creates table t<n> with `rowsPerTable` rows and an index, and adds a column to t<n-1>. */
export const longMigrations: readonly Migration[] = Array.from({ length: 30 }, (_, i) => ({
  name: `table ${i + 1}`,
  sql: `
    CREATE TABLE t${i + 1} (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rowsPerTable})
      INSERT INTO t${i + 1} SELECT i, hex(randomblob(20)) FROM n;
    CREATE INDEX i${i + 1} ON t${i + 1} (body);
    ${i === 0 ? "" : `ALTER TABLE t${i} ADD COLUMN extra TEXT;`}`,
}));
