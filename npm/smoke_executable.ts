/**
 * Smoke test of `dist/skep`: copied into an empty folder away from the checkout, it boots, answers,
 * verifies its journal, and stops cleanly.
 *
 * Usage: `deno run <permissions> npm/smoke_executable.ts [path]`; CI runs it after `compile`.
 */
import { copyFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import {
  askChat,
  expectMatch,
  freshEnvironment,
  runtimeFileOf,
  startProgram,
  stopCleanly,
  waitUntilReady,
  withEmptyFolder,
} from "./smoke.ts";
import { EXECUTABLE_FOLDER, readManifest, runCommand, runScript } from "./tools.ts";

await runScript(() =>
  withEmptyFolder(async (folder) => {
    const program = join(folder, "skep-program");
    copyFileSync(resolve(process.argv[2] ?? join(EXECUTABLE_FOLDER, "skep")), program);
    const env = freshEnvironment(folder);
    const skep = (...args: readonly string[]): string =>
      runCommand([program, ...args], { cwd: folder, env }).stdout;
    const { version } = readManifest();
    const pattern = new RegExp(`^skep ${version.replaceAll(".", "\\.")} \\(thrum `);
    expectMatch(skep("--version"), { pattern, what: "--version" });

    const running = startProgram([program, "up"], { cwd: folder, env });
    const api = await waitUntilReady(running, runtimeFileOf(folder));
    const answer = await askChat(api);
    skep("status");
    skep("log", "verify");
    await stopCleanly(running);
    skep("log", "verify");
    console.log(`dist/skep boots, answers ${JSON.stringify(answer)}, verifies its journal, stops`);
  })
);
