/** Child of migrate_test.ts: migrates the store at argv[2], says so, and waits to be killed. */
import process from "node:process";
import { openStore } from "../../src/store/mod.ts";
import { longMigrations } from "./_long_migrations.ts";

process.stdout.write("started\n");
await openStore({ path: process.argv[2] ?? "", migrations: longMigrations });
process.stdout.write("done\n");
process.stdin.resume();
