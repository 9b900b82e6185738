/**
 * What a model's name means: a manifest, the embedded model, or a file. The node and the command line
 * ask here, so that both mean the same.
 */
import { isAbsolute, join } from "node:path";
import { EMBEDDED_MODEL_NAME, embeddedModel } from "./embedded.ts";
import { ModelError, quoteForMessage } from "./errors.ts";
import type { ByteSource } from "./gguf_types.ts";
import { isModelName, manifestFile } from "./manifest.ts";
import type { ModelManifest } from "./manifest.ts";
import { findManifest, isUnchanged, listManifests, readManifest } from "./manifest_store.ts";
import type { ManifestPlace } from "./manifest_store.ts";
import { fileSource } from "./source.ts";

/** Names that a message lists. */
const NAMES_LISTED_MAX = 10;

/** Where a model is. */
export interface FoundModel {
  /** Its file, absolute; `undefined` for the embedded model. */
  readonly path: string | undefined;
  /** The manifest that speaks of the file, if one does. */
  readonly manifest: ModelManifest | undefined;
  /** Whether the file has been written to since that manifest was made. */
  readonly hasChanged: boolean;
}

/**
 * Looks a model up: "embedded", a name with a manifest, the embedded model's own name, or a path, a
 * relative one in the models directory.
 *
 * @throws {ModelError} `not-found` when a name is none of these, listing names that are; `bad-manifest`
 * @throws {DiskError} when the disk fails
 */
export async function findModel(place: ManifestPlace, model: string): Promise<FoundModel> {
  if (model === "embedded") return embedded;
  const named = await readManifest(place, model);
  if (named === undefined && model === EMBEDDED_MODEL_NAME) return embedded;
  const path = named !== undefined
    ? manifestFile(place.directory, named)
    : isAbsolute(model)
    ? model
    : join(place.directory, model);
  if (named === undefined && isPlainName(model) && await place.disk.stat(path) === undefined) {
    throw await unknownName(place, model);
  }
  const manifest = named ?? await manifestOf(place, path);
  const hasChanged = manifest !== undefined && !await isUnchanged(place, manifest);
  return { path, manifest, hasChanged };
}

/** Opens what was found. @throws {ModelError} `not-found`, `not-a-file` @throws {DiskError} */
export async function openFoundModel(place: ManifestPlace, found: FoundModel): Promise<ByteSource> {
  return found.path === undefined ? embeddedModel() : await fileSource(place.disk, found.path);
}

const embedded: FoundModel = { path: undefined, manifest: undefined, hasChanged: false };

/** A models directory with too many manifests is no reason not to serve a model. */
async function manifestOf(place: ManifestPlace, path: string): Promise<ModelManifest | undefined> {
  try {
    return await findManifest(place, path);
  } catch (thrown) {
    if (thrown instanceof ModelError) return undefined;
    throw thrown;
  }
}

/** What ends in .gguf was meant for a file, whose whole path says more. */
function isPlainName(model: string): boolean {
  return isModelName(model) && !/\.gguf$/i.test(model);
}

async function unknownName(place: ManifestPlace, model: string): Promise<ModelError> {
  const names = (await listManifests(place)).map(({ name }) => name);
  const more = names.length > NAMES_LISTED_MAX
    ? ` and ${names.length - NAMES_LISTED_MAX} more`
    : "";
  const added = names.length === 0
    ? "there are none"
    : `${names.slice(0, NAMES_LISTED_MAX).join(", ")}${more}`;
  return new ModelError(
    "not-found",
    `Cannot find model ${quoteForMessage(model)} as it is neither "embedded" nor the name of a ` +
      `model that was added (${added}); for a file in the working directory say --model ./${model}`,
  );
}
