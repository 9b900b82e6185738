/** Options that several commands share, and the places that they lead to. */
import { object } from "@optique/core/constructs";
import { lineBreak, message, text } from "@optique/core/message";
import type { Message } from "@optique/core/message";
import { optional, withDefault } from "@optique/core/modifiers";
import { flag, option } from "@optique/core/primitives";
import { isAbsolute, join } from "node:path";
import { resolvePaths } from "../node/mod.ts";
import type { NodePaths } from "../node/mod.ts";
import { named } from "./_values.ts";
import type { CliIo } from "./cli_io.ts";

/** Which node is meant. */
export interface PlaceOptions {
  readonly home: string | undefined;
  readonly config: string | undefined;
}

/** `--home` and `--config`. */
export const placeOptions = object("Node", {
  home: optional(
    option("--home", named("DIR"), {
      description:
        message`Keep everything of the node under this folder (as SKEP_HOME does) instead of the XDG directories.`,
    }),
  ),
  config: optional(
    option("--config", named("FILE"), {
      description: message`Read this file instead of skep.toml in the configuration directory.`,
    }),
  ),
});

/** `--json`. */
export const jsonOption = withDefault(
  flag("--json", { description: message`Print JSON for scripts.` }),
  false,
);

/** The places of the node that is meant. @throws {NodeError} code "paths" */
export function pathsOf(io: CliIo, options: PlaceOptions): NodePaths {
  return resolvePaths(io.environment, {
    home: absolutePath(io, options.home),
    configFile: absolutePath(io, options.config),
  });
}

/** A path as an absolute one, seen from the working directory. */
export function absolutePath(io: CliIo, path: string): string;
export function absolutePath(io: CliIo, path: string | undefined): string | undefined;
export function absolutePath(io: CliIo, path: string | undefined): string | undefined {
  if (path === undefined || isAbsolute(path)) return path;
  return join(io.workingDirectory(), path);
}

/** The examples below a command's help, one a line. */
export function examples(...lines: readonly string[]): Message {
  const parts = lines.flatMap((line) => [lineBreak(), text(`  ${line}`)]);
  return [text("Examples:"), ...parts];
}
