/** Tests that mirror no source file, and why. */

/** Folders of tests about many files at once. */
export const TEST_FOLDERS_FREE: readonly string[] = [
  "test/chaos/",
  "test/conformance/",
  "test/docs/",
  "test/e2e/",
  "test/tidy/",
];

/** Single tests outside those folders: path to reason. Empty is best. */
export const MIRROR_EXCEPTIONS: ReadonlyMap<string, string> = new Map([]);
