/**
 * What `--model` means: a name without "/" and ".gguf" is looked for in the models directory, first
 * among the manifests; anything else is a file, seen from the working directory.
 */
import { absolutePath, pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import { painterFor, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";
import { CliError, exitCodes } from "./exit_code.ts";

/** The value for `inference.model`, which the node itself looks up. */
export function modelSetting(io: CliIo, model: string): string {
  return isModelName(model) ? model : absolutePath(io, model);
}

/**
 * Looks the model up as the node will, and checks from its header that this release can run it. A
 * file that has changed since it was added gets a line of warning.
 *
 * @param options `model` is a value of `inference.model`
 * @returns the file's absolute path, or "embedded"
 * @throws {ModelError} when there is no such model, or no model file
 * @throws {CliError} exit code 1, why it cannot be run
 * @throws {DiskError} when the disk fails
 */
export async function checkModel(
  io: CliIo,
  options: { readonly place: PlaceOptions; readonly model: string },
): Promise<string> {
  const { findModel, openFoundModel, openGguf } = await import("../model/mod.ts");
  const { classSupport } = await import("../engine/mod.ts");
  const place = { disk: io.disk, directory: pathsOf(io, options.place).directories.models };
  const found = await findModel(place, options.model);
  const source = await openFoundModel(place, found);
  try {
    const [obstacle] = classSupport(await openGguf(source)).obstacles;
    if (obstacle !== undefined) {
      throw new CliError({ exitCode: exitCodes.failure, message: obstacle });
    }
  } finally {
    await source.close();
  }
  if (found.hasChanged) {
    const path = safeText(found.path ?? "");
    const text = `Warning: ${path} has changed since it was added: run "skep model add" again`;
    io.stderr.write(`${painterFor(io, io.stderr)("yellow", text)}\n`);
  }
  return found.path ?? "embedded";
}

/** Whether this machine has a model of a name, whatever it is. @throws {DiskError} */
export async function isModelHere(
  io: CliIo,
  { place, model }: { readonly place: PlaceOptions; readonly model: string },
): Promise<boolean> {
  const { findModel, ModelError } = await import("../model/mod.ts");
  try {
    await findModel({ disk: io.disk, directory: pathsOf(io, place).directories.models }, model);
    return true;
  } catch (thrown) {
    if (thrown instanceof ModelError && thrown.code === "not-found") return false;
    throw thrown;
  }
}

/** Whether a value of `inference.model` is a name, and no file. */
export function isModelName(model: string): boolean {
  return !model.includes("/") && !/\.gguf$/i.test(model);
}
