/** Loads the peers, which live under their own manifest; a peer that is not installed is undefined. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const here = new URL("./", import.meta.url);

/** Installs the peers by npm, if they are not there. Returns whether they are there now. */
export function installPeers(): boolean {
  if (areThere()) return true;
  const flags = ["--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts"];
  const done = spawnSync("npm", ["install", ...flags], {
    cwd: fileURLToPath(here),
    stdio: ["ignore", "ignore", "inherit"],
  });
  return done.status === 0;
}

function areThere(): boolean {
  const manifest = JSON.parse(readFileSync(new URL("package.json", here), "utf8"));
  const names = Object.keys(manifest.dependencies);
  return names.every((name) => existsSync(new URL(`node_modules/${name}/`, here)));
}

/**
 * The ES module at a path below the peers' node_modules, or undefined.
 *
 * Deno finds the packages that a peer needs only under `--no-config --node-modules-dir=manual`.
 */
export async function importPeer<T>(path: string): Promise<T | undefined> {
  const file = new URL(`node_modules/${path}`, here);
  try {
    return await import(file.href);
  } catch {
    return undefined;
  }
}

/** The CommonJS module of a peer, or undefined. */
export function requirePeer<T>(name: string): T | undefined {
  try {
    return createRequire(here)(name);
  } catch {
    return undefined;
  }
}
