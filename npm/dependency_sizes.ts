/**
 * Prints what each package of deno.json costs: version, licence, bytes of its folder, and the
 * packages that it brings along. docs/DEPENDENCIES.md has its figures from here.
 *
 * Usage: `deno run --allow-read --allow-env npm/dependency_sizes.ts`.
 */
import { readdirSync, readFileSync, realpathSync, statSync } from "node:fs";
import { join } from "node:path";
import { readManifest, TOP } from "./tools.ts";

/** What package.json says that matters here. */
interface Installed {
  readonly version: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Packages are linked from `<store>/<package>/node_modules`; their own are its neighbours. */
function dependenciesOf(folder: string, name: string): readonly string[] {
  const installed: Installed = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const neighbours = folder.slice(0, -name.length);
  return Object.keys(installed.dependencies ?? {}).map((each) => join(neighbours, each));
}

function bytesOf(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

function broughtAlong(folder: string, name: string): ReadonlySet<string> {
  const seen = new Set<string>();
  const waiting = dependenciesOf(folder, name).map((path) => [path, nameIn(path)] as const);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [path, own] = next;
    const real = realpathSync(path);
    if (seen.has(real)) continue;
    seen.add(real);
    waiting.push(...dependenciesOf(real, own).map((each) => [each, nameIn(each)] as const));
  }
  return seen;
}

function nameIn(path: string): string {
  const parts = path.split("/");
  const scope = parts.at(-2) ?? "";
  return scope.startsWith("@") ? `${scope}/${parts.at(-1)}` : parts.at(-1) ?? "";
}

for (const name of Object.keys(readManifest().imports)) {
  const folder = realpathSync(join(TOP, "node_modules", name));
  const installed: Installed = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  const along = broughtAlong(folder, name);
  const alongBytes = [...along].reduce((sum, each) => sum + bytesOf(each), 0);
  console.log(
    `${name} ${installed.version}, ${installed.license}, ${Math.ceil(bytesOf(folder) / 1024)} KiB` +
      (along.size === 0
        ? ""
        : `, and ${along.size} more of ${Math.ceil(alongBytes / 1024)} KiB: `) +
      [...along].map((each) => nameIn(each)).sort().join(" "),
  );
}
