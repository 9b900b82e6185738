/** Child of instance_lock_test.ts: takes the lock at argv[2], says so, and keeps it until it dies. */
import process from "node:process";
import { acquireInstanceLock } from "../../src/store/mod.ts";

await acquireInstanceLock(process.argv[2] ?? "");
process.stdout.write("held\n");
process.stdin.resume();
