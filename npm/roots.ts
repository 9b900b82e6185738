/**
 * Prints the folders that a node of this user writes, with commas between, for `--allow-write`.
 *
 * The task `start` uses it: a task's text can't say "this variable, or else that folder". Where a
 * parent is missing too, as `.local` of a new user, it is the parent that has to be made.
 */
import { existsSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { resolvePaths } from "../src/node/mod.ts";

/** Printed when there is no place; the node itself then says so in a sentence. */
const NOWHERE = "dist/nowhere";

function roots(): string {
  try {
    const { directories } = resolvePaths((name) => process.env[name]);
    return [...new Set(Object.values(directories).map(firstMade))].join(",");
  } catch {
    return NOWHERE;
  }
}

/** The topmost folder that has to be made for `path`, or `path` when its parent is there. */
function firstMade(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) ? path : firstMade(parent);
}

console.log(roots());
