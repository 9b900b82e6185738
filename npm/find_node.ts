/**
 * Prints the path of npm's Node, which it installs on first use.
 *
 * Usage: `deno run <permissions> npm/find_node.ts <major> [<os>-<cpu>]`.
 */
import process from "node:process";
import { findNode, installedNode, runScript, StepError } from "./tools.ts";

await runScript(async () => {
  await Promise.resolve();
  const [text = "", platform] = process.argv.slice(2);
  const major = Number(text);
  if (!Number.isInteger(major) || major < 24) {
    throw new StepError(
      `Cannot find a Node as its major version must be 24 or more: got "${text}"`,
    );
  }
  console.log(platform === undefined ? findNode(major) : installedNode({ major, platform }));
});
