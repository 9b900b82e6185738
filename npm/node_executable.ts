/** Node's single-executable format: one bundle inside a copy of Node, started with no files. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { findNode, runCommand } from "./tools.ts";

/** The first with `--build-sea`. */
export const EXECUTABLE_NODE_MAJOR = 26;

/** What `makeNodeExecutable` needs. */
export interface NodeExecutableOptions {
  /** The one file of the program. */
  readonly bundle: string;
  /** Where the configuration is written. */
  readonly folder: string;
  /** The executable to make. */
  readonly output: string;
}

/** Makes an executable of a bundle. @throws {StepError} when Node can't be had, or refuses */
export function makeNodeExecutable({ bundle, folder, output }: NodeExecutableOptions): void {
  const node = findNode(EXECUTABLE_NODE_MAJOR);
  const configuration = join(folder, "sea.json");
  const fields = {
    main: bundle,
    mainFormat: "module",
    executable: node,
    output,
    disableExperimentalSEAWarning: true,
    // Arguments and environment are Skep's; none of them is Node's.
    execArgvExtension: "none",
  };
  writeFileSync(configuration, JSON.stringify(fields));
  runCommand([node, "--build-sea", configuration]);
  chmodSync(output, 0o755);
}
