/**
 * Prints the folders that a node of this user writes, with commas between, for `--allow-write`.
 *
 * The task `start` uses it: a task's text can't say "this variable, or else that folder".
 */
import process from "node:process";
import { resolvePaths } from "../src/node/mod.ts";

/** Printed when there is no place; the node itself then says so in a sentence. */
const NOWHERE = "dist/nowhere";

function roots(): string {
  try {
    const { directories } = resolvePaths((name) => process.env[name]);
    return [...new Set(Object.values(directories))].join(",");
  } catch {
    return NOWHERE;
  }
}

console.log(roots());
