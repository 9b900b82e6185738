/** What the commands on manifests share: where manifests are, and how Ctrl-C ends a long read. */
import type { ManifestPlace } from "../model/mod.ts";
import { pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { ModelProgress } from "./_progress.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** The models directory of the node that is meant. @throws {NodeError} code "paths" */
export function manifestPlace(io: CliIo, options: PlaceOptions): ManifestPlace {
  return { disk: io.disk, directory: pathsOf(io, options).directories.models };
}

/** A long read: what it needs to show how far it is, and to be stopped. */
export interface LongRead {
  readonly signal: AbortSignal;
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Runs a long read with a bar, which Ctrl-C stops.
 *
 * @param how `verb` and `what` are shown: "Verifying model.gguf"
 * @throws {CliError} exit code 130 when it was interrupted
 */
export async function withBar<T>(
  io: CliIo,
  how: { readonly verb: string; readonly what: string },
  run: (read: LongRead) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const bar = new ModelProgress(io, how.verb);
  const interrupted = new CliError({
    exitCode: exitCodes.interrupted,
    message: `Stopped ${how.verb.toLowerCase()} ${how.what}`,
  });
  const forget = io.onSignal("SIGINT", () => controller.abort(interrupted));
  try {
    return await run({
      signal: controller.signal,
      onProgress: (loadedBytes, totalBytes) =>
        bar.show({ what: how.what, loadedBytes, totalBytes }),
    });
  } finally {
    forget();
    bar.clear();
  }
}
