/**
 * Smoke test of worker threads where there are no files: a bundle with a service in a worker, away
 * from the checkout, under Deno, under Node 24 and in Node's single-executable format.
 *
 * Usage: `deno run <permissions> npm/smoke_worker.ts`.
 */
import { join } from "node:path";
import { bundleProgram } from "./bundle.ts";
import { makeNodeExecutable } from "./node_executable.ts";
import { expectMatch, withEmptyFolder } from "./smoke.ts";
import { denoCommand, findNode, runCommand, runScript } from "./tools.ts";

await runScript(() =>
  withEmptyFolder(async (folder) => {
    await Promise.resolve();
    const bundle = bundleProgram({ entry: "npm/consumer/worker_probe.ts", folder });
    const output = join(folder, "probe");
    makeNodeExecutable({ bundle, folder, output });
    const flags = ["--no-prompt", "--no-config", "--allow-read", "--allow-env", "--allow-sys"];
    const commands = {
      Deno: [...denoCommand(), "run", ...flags, bundle],
      "Node 24": [findNode(24), bundle],
      "Node's executable": [output],
    };
    for (const [what, command] of Object.entries(commands)) {
      const { stdout } = runCommand(command, { cwd: folder, timeoutMs: 60_000 });
      expectMatch(stdout, { pattern: /^21 doubled in a worker is 42$/m, what });
    }
    console.log(`a worker in a bundle answers under ${Object.keys(commands).join(", ")}`);
  })
);
