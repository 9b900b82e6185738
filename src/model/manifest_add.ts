/**
 * Makes a model's manifest: reads the file once, builds root and outboard, and keeps both in the
 * models directory, so that a crash leaves the old manifest or the new one, whole.
 */
import { dirname, join } from "node:path";
import { Blake3, encodeHex } from "../hot/mod.ts";
import type { ContentTree } from "../hot/mod.ts";
import { makeDirectoryDurably, writeFileDurably } from "../ports/mod.ts";
import { copyWhileHashing, hashSource } from "./_hash_source.ts";
import { ModelError, quoteForMessage } from "./errors.ts";
import { openGguf } from "./gguf.ts";
import type { ByteSource, GgufFile } from "./gguf_types.ts";
import {
  encodeManifest,
  isModelName,
  MANIFEST_FORMAT,
  manifestFile,
  modelNameOf,
} from "./manifest.ts";
import type { ModelManifest } from "./manifest.ts";
import { shardsOf } from "./manifest_shards.ts";
import { manifestPath, readManifest } from "./manifest_store.ts";
import type { ManifestPlace } from "./manifest_store.ts";
import { fileSource } from "./source.ts";

/** What a release can do with a file. */
export interface ClassSupport {
  /** Numeric classes that execute it. */
  readonly numericClasses: readonly string[];
  /** Why none does, a sentence each; empty otherwise. */
  readonly obstacles: readonly string[];
}

/** What to add, and how. */
export interface AddModelOptions extends ManifestPlace {
  /** The model file, absolute. */
  readonly path: string;
  /** @default the file's name without .gguf */
  readonly name?: string | undefined;
  /** Copies the file into the directory as `<name>.gguf` while it is hashed. @default false */
  readonly copy?: boolean;
  /** Asks the engine, which this area does not know; before anything is hashed, so it may refuse. */
  readonly support: (file: GgufFile) => ClassSupport;
  /** Called after each piece. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Stops between two pieces. */
  readonly signal?: AbortSignal;
}

/**
 * Hashes a model file and stores its manifest and outboard; on return both survive a power cut.
 * Memory: some 0.6 % of the file's length, for the tree.
 *
 * A manifest of the same name is replaced, unless it speaks of another file that is still there; a
 * copy never overwrites a file.
 *
 * @throws {ModelError} `name-taken`, `bad-name`, `changed` (the file, meanwhile), or as `openGguf`
 * @throws {DiskError} when the disk fails
 * @throws {RangeError} when the file is above 64 GiB
 * @throws the signal's reason when it aborts, and what `support` throws
 */
export async function addModel(options: AddModelOptions): Promise<ModelManifest> {
  const { disk, directory, path } = options;
  const name = checkedName(options.name ?? modelNameOf(path));
  const target = options.copy === true ? join(directory, `${name}.gguf`) : path;
  const source = await fileSource(disk, path);
  try {
    const file = await openGguf(source);
    const support = options.support(file);
    const old = await replaceable(options, { name, target });
    await makeDirectoryDurably(disk, { path: directory });
    const { tree, modifiedMs } = await hashTo(options, { source, target });
    const digest = new Blake3().hashHex(tree.outboard);
    const root = encodeHex(tree.root);
    const manifest: ModelManifest = {
      format: MANIFEST_FORMAT,
      name,
      file: { path: storedPath(directory, target), sizeBytes: source.sizeBytes, modifiedMs },
      root,
      outboard: { path: outboardName(name, root), sizeBytes: tree.outboard.length, digest },
      numericClasses: [...support.numericClasses],
      obstacles: [...support.obstacles],
      shards: shardsOf(file).map((shard) => ({ ...shard, ranges: [...shard.ranges] })),
    };
    await store(options, { manifest, tree, old });
    return manifest;
  } finally {
    await source.close();
  }
}

/** Hashes, and copies if the target is another file. */
async function hashTo(
  options: AddModelOptions,
  { source, target }: { readonly source: ByteSource; readonly target: string },
): Promise<{ readonly tree: ContentTree; readonly modifiedMs: number }> {
  const { path } = options;
  const { onProgress, signal } = options;
  const blake3 = new Blake3();
  const before = await modifiedAt(options, path);
  const hash = { source, blake3, onProgress, signal };
  const tree = target === path
    ? await hashSource(hash)
    : await copyWhileHashing({ ...hash, disk: options.disk, target });
  if (await modifiedAt(options, path) !== before) {
    throw new ModelError(
      "changed",
      `Cannot add model ${quoteForMessage(path)} as it was changed while it was read; try again`,
    );
  }
  return { tree, modifiedMs: await modifiedAt(options, target) };
}

async function modifiedAt({ disk }: ManifestPlace, path: string): Promise<number> {
  return (await disk.stat(path))?.modifiedMs ?? 0;
}

/** First the new outboard, then the manifest that names it, and only then is the old one removed. */
async function store(
  { disk, directory }: ManifestPlace,
  made: {
    readonly manifest: ModelManifest;
    readonly tree: ContentTree;
    readonly old: ModelManifest | undefined;
  },
): Promise<void> {
  const { manifest, tree, old } = made;
  const outboard = join(directory, manifest.outboard.path);
  await writeFileDurably(disk, { path: outboard, bytes: tree.outboard });
  const path = manifestPath(directory, manifest.name);
  await writeFileDurably(disk, { path, bytes: encodeManifest(manifest) });
  if (old === undefined || old.outboard.path === manifest.outboard.path) return;
  const unused = join(directory, old.outboard.path);
  if (await disk.stat(unused) !== undefined) await disk.remove(unused);
}

/** The manifest that gives way, if there is one. @throws {ModelError} `name-taken` */
async function replaceable(
  options: AddModelOptions,
  { name, target }: { readonly name: string; readonly target: string },
): Promise<ModelManifest | undefined> {
  const { disk, directory, path } = options;
  const old = await readIfUsable(options, name);
  const files = old === undefined ? [target] : [manifestFile(directory, old), target];
  for (const taken of files.filter((file) => file !== path)) {
    if (await disk.stat(taken) === undefined) continue;
    throw new ModelError(
      "name-taken",
      `Cannot add model ${quoteForMessage(path)} as '${name}' as that is the name of ` +
        `${quoteForMessage(taken)}; choose another name`,
    );
  }
  return old;
}

async function readIfUsable(
  place: ManifestPlace,
  name: string,
): Promise<ModelManifest | undefined> {
  try {
    return await readManifest(place, name);
  } catch (thrown) {
    if (thrown instanceof ModelError && thrown.code === "bad-manifest") return undefined;
    throw thrown;
  }
}

function checkedName(name: string): string {
  if (isModelName(name)) return name;
  throw new ModelError(
    "bad-name",
    `Cannot name a model ${
      quoteForMessage(name)
    } as a name is 1 to 128 letters, digits, '.', '_' ` +
      `and '-', begins with a letter or digit, and is not 'embedded'`,
  );
}

/** Relative for files of the directory itself, so that the whole may move. */
function storedPath(directory: string, path: string): string {
  return dirname(path) === directory ? path.slice(directory.length + 1) : path;
}

/** Another content has another outboard, so that an old manifest never meets a new one. */
function outboardName(name: string, root: string): string {
  return `${name}.${root.slice(0, 16)}.outboard`;
}
