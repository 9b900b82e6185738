/**
 * Where a worker thread's program is found: beside the module that starts it, or inside the bundle.
 *
 * An executable is one bundle with no files beside it. `npm/bundle.ts` bundles each worker entry (a
 * file of `src/` named `worker_main.ts` or `*_worker_main.ts`) by itself and puts its text into the
 * map below; from there it runs by a `data:` URL, which Deno, Node and Node's single executable all
 * take. Run from the sources or from the npm package, the map is empty and the file is loaded.
 */

/** Texts of worker programs by name ("kernel/worker_main"); filled by the bundler, else empty. */
export const WORKER_SOURCES: ReadonlyMap<string, string> = new Map([]);

/**
 * The URL with which to start a worker thread.
 *
 * @param name the entry's path below `src/` without its extension, such as "kernel/worker_main"
 * @param file the entry's file, for when there are files; written as one `new URL` of a relative path and
 * `import.meta.url`, as that is what `npm/pack.ts` looks for
 */
export function workerUrl(name: string, file: URL): URL {
  const source = WORKER_SOURCES.get(name);
  return source === undefined
    ? file
    : new URL(`data:text/javascript,${encodeURIComponent(source)}`);
}
