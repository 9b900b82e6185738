/**
 * Bundles the executable into one JavaScript file, worker threads included.
 *
 * A bundle has no files beside it, so a worker can't be started from a path. Each worker entry (a
 * file of `src/` named `worker_main.ts` or `*_worker_main.ts`) is bundled by itself, and its text is put where
 * the main bundle says `WORKER_SOURCES = new Map([])`; from there it is started by a `data:` URL,
 * which runs in Deno, in Node and inside Node's single executable alike.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { denoCommand, runCommand, StepError, TOP } from "./tools.ts";

/** How esbuild writes the empty map of `src/platform/worker_sources.ts`. */
const EMPTY_SOURCES = /\bWORKER_SOURCES = (?:\/\* @__PURE__ \*\/ )?new Map\((?:\[\])?\)/g;

/** Deno's bundler begins a bundle that uses CommonJS packages with this. */
const REQUIRE_FROM_BUNDLE = /(\w*createRequire\w*)\(import\.meta\.url\)/g;

/** What `bundleProgram` needs. */
export interface BundleOptions {
  /** The program, from the top of the repository: "src/main.ts". */
  readonly entry: string;
  /** Where the bundle is written. */
  readonly folder: string;
}

/**
 * Writes a program's bundle and returns its path.
 *
 * @throws {StepError} when bundling fails, or there is a worker entry and no place for its text
 */
export function bundleProgram({ entry: program, folder }: BundleOptions): string {
  const main = join(folder, "skep.mjs");
  bundleFile({ entry: program, output: main });
  const workers = workerEntries().map((entry): readonly [string, string] => {
    const name = workerName(entry);
    const output = join(folder, `${name.replaceAll("/", "-")}.mjs`);
    bundleFile({ entry, output });
    return [name, withoutOwnUrl(readFileSync(output, "utf8"))];
  });
  writeFileSync(main, withWorkers(readFileSync(main, "utf8"), workers));
  return main;
}

/** The name under which `WORKER_SOURCES` has an entry: "src/kernel/a.ts" is "kernel/a". */
export function workerName(entry: string): string {
  return entry.replace(/^src\//, "").replace(/\.ts$/, "");
}

function workerEntries(): readonly string[] {
  return readdirSync(join(TOP, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => /(^|[/_])worker_main\.ts$/.test(path))
    .map((path) => `src/${path}`)
    .sort();
}

function bundleFile({ entry, output }: { readonly entry: string; readonly output: string }): void {
  const flags = ["--platform", "deno", "--quiet"];
  runCommand([...denoCommand(), "bundle", ...flags, "--output", output, entry]);
}

/**
 * A module from a `data:` URL has no place from which `require` could look for files. The packages
 * are inside the bundle, and what is left to require are built-ins: any place does.
 */
function withoutOwnUrl(source: string): string {
  return source.replace(REQUIRE_FROM_BUNDLE, '$1("file:///skep")');
}

/** Puts the workers' texts into the main bundle. */
export function withWorkers(
  main: string,
  workers: readonly (readonly [name: string, source: string])[],
): string {
  if (workers.length === 0) return main;
  const places = main.match(EMPTY_SOURCES)?.length ?? 0;
  if (places !== 1) {
    throw new StepError(
      `Cannot bundle the workers as the bundle has ${places} places for them: src/platform/` +
        "worker_sources.ts must be in it, once",
    );
  }
  // A function, as a replacement text would read `$&` in the sources.
  return main.replace(EMPTY_SOURCES, () => `WORKER_SOURCES = new Map(${JSON.stringify(workers)})`);
}
