/**
 * Packs test files: a module that imports some of them is run as one file, so that what they share is
 * loaded once and not for each.
 *
 * Loading costs a file about 0.3 s of processor time, which is more than most of them take. A pack's
 * files are of one folder, as these import alike; what a test does alone it must do beside others,
 * since nothing in `src` may be shared between two nodes of a process.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, relative } from "node:path";
import { pathToFileURL } from "node:url";
import { TOP } from "./tools.ts";

/** Files of a pack at most: enough to share what they load, and few enough to keep all cores busy. */
const PACK_FILES_MAX = 8;

/**
 * Files that start programs load little themselves and wait much, and those of the platform look at the
 * program that runs them: each is run by itself.
 */
const ALONE: RegExp = /^test\/(e2e|chaos|platform)\//;

/** Slow tests are run by name only. */
const SLOW = /(^|\/)slow_[^/]*$/;

/** Test files, and the module that imports them. */
interface Pack {
  readonly files: readonly string[];
  /** Of the sources, which stand for the time that they take. */
  readonly bytes: number;
}

/** The test files at or below a path, with no slow ones, unless the path itself is one. */
export function testFiles(path: string): readonly string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { recursive: true, encoding: "utf8" })
    .map((name) => join(path, name))
    .filter((name) => name.endsWith("_test.ts") && !SLOW.test(name))
    .sort();
}

/**
 * Writes the packs of all test files into a folder of their own, and removes it when `run` has ended.
 *
 * @param run is given paths of modules and test files, those first that are likely to take longest, so
 * that no core waits at the end
 */
export async function withPacks(run: (paths: readonly string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "skep-tests-"));
  try {
    const packs = packsOf(testFiles(join(TOP, "test"))).sort((a, b) => b.bytes - a.bytes);
    await run(packs.map(({ files }, index) => packPath(folder, files, index)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function packsOf(files: readonly string[]): Pack[] {
  const folders = Map.groupBy(files, (file) => {
    const name = relative(TOP, file);
    return ALONE.test(name) ? name : dirname(name);
  });
  return [...folders.values()].flatMap((inFolder) => {
    const count = Math.ceil(inFolder.length / PACK_FILES_MAX);
    // By turns, as files whose names begin alike take alike long.
    return Array.from({ length: count }, (_, pack) => {
      const packed = inFolder.filter((_, index) => index % count === pack);
      return { files: packed, bytes: packed.reduce((sum, file) => sum + statSync(file).size, 0) };
    });
  });
}

function packPath(folder: string, files: readonly string[], index: number): string {
  const [first = ""] = files;
  if (files.length === 1) return relative(TOP, first);
  const area = dirname(relative(join(TOP, "test"), first)).replaceAll("/", "_");
  const path = join(folder, `${area}_${index}_test.mjs`);
  writeFileSync(path, files.map((file) => `import "${pathToFileURL(file).href}";\n`).join(""));
  return path;
}
