/**
 * The manifests in the models directory: `<name>.manifest.json`, and the outboards beside them.
 */
import { join } from "node:path";
import { DiskError, readWholeFile } from "../ports/mod.ts";
import type { Disk } from "../ports/mod.ts";
import { ModelError } from "./errors.ts";
import { isModelName, MANIFEST_BYTES_MAX, manifestFile, parseManifest } from "./manifest.ts";
import type { ModelManifest } from "./manifest.ts";

/** Most manifests that are looked at in a directory. */
export const MANIFESTS_MAX = 4096;

const SUFFIX = ".manifest.json";

/** Where manifests are. */
export interface ManifestPlace {
  readonly disk: Disk;
  /** The models directory, absolute; it need not exist. */
  readonly directory: string;
}

/** A manifest of a directory, or why it cannot be used. */
export type ListedManifest =
  | { readonly name: string; readonly manifest: ModelManifest }
  | { readonly name: string; readonly error: ModelError };

/** The path of a model's manifest. */
export function manifestPath(directory: string, name: string): string {
  return join(directory, `${name}${SUFFIX}`);
}

/**
 * The manifest of a name, or `undefined` when there is none (or it is no name).
 *
 * @throws {ModelError} `bad-manifest` @throws {DiskError}
 */
export async function readManifest(
  place: ManifestPlace,
  name: string,
): Promise<ModelManifest | undefined> {
  if (!isModelName(name)) return undefined;
  const path = manifestPath(place.directory, name);
  const bytes = await readIfThere(place.disk, path);
  if (bytes === undefined) return undefined;
  const manifest = parseManifest(bytes, path);
  if (manifest.name === name) return manifest;
  throw new ModelError(
    "bad-manifest",
    `Cannot use manifest '${path}' as its name must be that of its file: it is '${manifest.name}'`,
  );
}

/**
 * Every manifest of the directory by name, also those that cannot be used.
 *
 * @throws {ModelError} `too-large` above MANIFESTS_MAX @throws {DiskError}
 */
export async function listManifests(place: ManifestPlace): Promise<readonly ListedManifest[]> {
  const names = await namesIn(place);
  if (names.length > MANIFESTS_MAX) {
    throw new ModelError(
      "too-large",
      `Cannot list '${place.directory}' as it may hold ${MANIFESTS_MAX} manifests: ` +
        `it holds ${names.length}`,
    );
  }
  const listed: ListedManifest[] = [];
  for (const name of names) {
    try {
      const manifest = await readManifest(place, name);
      if (manifest !== undefined) listed.push({ name, manifest });
    } catch (thrown) {
      if (!(thrown instanceof ModelError)) throw thrown;
      listed.push({ name, error: thrown });
    }
  }
  return listed;
}

/**
 * The usable manifest that speaks of the file at `path` (absolute), or `undefined`.
 *
 * @throws {ModelError} `too-large` @throws {DiskError}
 */
export async function findManifest(
  place: ManifestPlace,
  path: string,
): Promise<ModelManifest | undefined> {
  for (const each of await listManifests(place)) {
    if ("manifest" in each && manifestFile(place.directory, each.manifest) === path) {
      return each.manifest;
    }
  }
  return undefined;
}

/**
 * Whether the file still looks as it did when it was hashed: same length, same time of change. Only
 * `verifyModel` looks at the bytes. @throws {DiskError}
 */
export async function isUnchanged(place: ManifestPlace, manifest: ModelManifest): Promise<boolean> {
  const info = await place.disk.stat(manifestFile(place.directory, manifest));
  const { sizeBytes, modifiedMs } = manifest.file;
  return info?.kind === "file" && info.sizeBytes === sizeBytes && info.modifiedMs === modifiedMs;
}

async function namesIn({ disk, directory }: ManifestPlace): Promise<readonly string[]> {
  if (await disk.stat(directory) === undefined) return [];
  return (await disk.list(directory))
    .filter((file) => file.endsWith(SUFFIX))
    .map((file) => file.slice(0, -SUFFIX.length))
    .filter(isModelName);
}

async function readIfThere(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  try {
    return await readWholeFile(disk, { path, bytesMax: MANIFEST_BYTES_MAX });
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "not-found") return undefined;
    if (thrown instanceof RangeError) throw new ModelError("bad-manifest", thrown.message);
    throw thrown;
  }
}
