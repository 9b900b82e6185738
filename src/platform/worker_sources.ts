/**
 * Where a worker thread's program is found: beside the module that starts it, or inside the bundle.
 *
 * An executable is one bundle with no files beside it. `npm/compile.ts` bundles each worker entry (a
 * file named `*_worker.ts`) by itself and writes its text into the map below; from there it runs by
 * a `data:` URL, which Deno, Node and Node's single executable all take. Run from the sources or from
 * the npm package, the map is empty and the file itself is loaded.
 */

/** Texts of worker programs by name ("kernel/service"); filled by the bundler, empty otherwise. */
export const WORKER_SOURCES: ReadonlyMap<string, string> = new Map([]);

/**
 * The URL with which to start a worker thread.
 *
 * @param name the entry's path below `src/` without `_worker.ts`, such as "kernel/service"
 * @param moduleUrl the entry's own `import.meta.url`, for when it is a file
 */
export function workerUrl(name: string, moduleUrl: string): URL {
  const source = WORKER_SOURCES.get(name);
  if (source === undefined) return new URL(moduleUrl);
  return new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
