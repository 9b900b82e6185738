/**
 * What `--model` means: a name without "/" and ".gguf" is looked for in the models directory, first
 * among the manifests; anything else is a file, seen from the working directory.
 */
import { join } from "node:path";
import { absolutePath, pathsOf } from "./_options.ts";
import type { PlaceOptions } from "./_options.ts";
import type { CliIo } from "./cli_io.ts";

/** The value for `inference.model`, which the node itself looks up. */
export function modelSetting(io: CliIo, model: string): string {
  return isName(model) ? model : absolutePath(io, model);
}

/**
 * The file itself, for a node with a models directory of its own.
 *
 * @throws {ModelError} `bad-manifest` @throws {DiskError}
 */
export async function modelFile(
  io: CliIo,
  options: { readonly place: PlaceOptions; readonly model: string },
): Promise<string> {
  const { place, model } = options;
  if (!isName(model)) return absolutePath(io, model);
  if (model === "embedded") return model;
  const { manifestFile, readManifest } = await import("../model/mod.ts");
  const directory = pathsOf(io, place).directories.models;
  const manifest = await readManifest({ disk: io.disk, directory }, model);
  return manifest === undefined ? join(directory, model) : manifestFile(directory, manifest);
}

function isName(model: string): boolean {
  return !model.includes("/") && !/\.gguf$/i.test(model);
}
