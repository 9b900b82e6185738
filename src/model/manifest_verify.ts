/**
 * Checks a model file against its manifest: every byte, at the speed of disk and hash, in memory that
 * does not depend on the file's length.
 */
import { join } from "node:path";
import { Blake3, decodeHex } from "../hot/mod.ts";
import { piecesOf } from "./_hash_pieces.ts";
import { TreeWalk } from "./_hash_tree.ts";
import type { TreeFault } from "./_hash_tree.ts";
import { ModelError } from "./errors.ts";
import type { ByteSource } from "./gguf_types.ts";
import { manifestFile } from "./manifest.ts";
import type { ModelManifest } from "./manifest.ts";
import { shardName } from "./manifest_shards.ts";
import type { Shard } from "./manifest_shards.ts";
import type { ManifestPlace } from "./manifest_store.ts";
import { fileSource } from "./source.ts";

/** What became of a check. */
export type ModelVerdict =
  | { readonly state: "intact"; readonly sizeBytes: number }
  /** No file is where the manifest says. */
  | { readonly state: "missing" }
  /** Longer or shorter than what was hashed; its bytes were not looked at. */
  | { readonly state: "wrong-length"; readonly sizeBytes: number }
  /** The first wrong group of 16 KiB begins at `offsetBytes`; `parts` are those that need it. */
  | { readonly state: "damaged"; readonly offsetBytes: number; readonly parts: readonly string[] }
  /** The outboard is missing, cut, or leads elsewhere: the file may be well from `offsetBytes` on. */
  | { readonly state: "outboard-damaged"; readonly offsetBytes: number };

/** What to check. */
export interface VerifyModelOptions extends ManifestPlace {
  readonly manifest: ModelManifest;
  /** Called after each piece. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
  /** Stops between two pieces. */
  readonly signal?: AbortSignal;
}

/**
 * Reads the file up to its end or its first wrong group.
 *
 * @throws {ModelError} `truncated` when the file becomes shorter meanwhile; `not-a-file`
 * @throws {DiskError} when the disk fails
 * @throws the signal's reason when it aborts
 */
export async function verifyModel(options: VerifyModelOptions): Promise<ModelVerdict> {
  const { manifest, directory } = options;
  const source = await openIfThere(options, manifestFile(directory, manifest));
  if (source === undefined) return { state: "missing" };
  try {
    if (source.sizeBytes !== manifest.file.sizeBytes) {
      return { state: "wrong-length", sizeBytes: source.sizeBytes };
    }
    const outboard = await openIfThere(options, join(directory, manifest.outboard.path));
    if (outboard === undefined) return { state: "outboard-damaged", offsetBytes: 0 };
    try {
      if (outboard.sizeBytes !== manifest.outboard.sizeBytes) {
        return { state: "outboard-damaged", offsetBytes: 0 };
      }
      return verdictOf(manifest, await firstFault(options, { source, outboard }));
    } finally {
      await outboard.close();
    }
  } finally {
    await source.close();
  }
}

async function firstFault(
  options: VerifyModelOptions,
  { source, outboard }: { readonly source: ByteSource; readonly outboard: ByteSource },
): Promise<TreeFault | undefined> {
  const { manifest, onProgress, signal } = options;
  const blake3 = new Blake3();
  const content = { root: decodeHex(manifest.root), lengthBytes: source.sizeBytes };
  const walk = new TreeWalk(blake3, content, outboard);
  for await (const { bytes, offsetBytes } of piecesOf({ source, blake3, signal })) {
    const fault = await walk.check(bytes);
    if (fault !== undefined) return fault;
    onProgress?.(offsetBytes + bytes.length, source.sizeBytes);
  }
  return undefined;
}

function verdictOf(manifest: ModelManifest, fault: TreeFault | undefined): ModelVerdict {
  if (fault === undefined) return { state: "intact", sizeBytes: manifest.file.sizeBytes };
  const { offsetBytes } = fault;
  if (fault.what === "pair") return { state: "outboard-damaged", offsetBytes };
  const parts = manifest.shards.filter((shard) => touches(shard, fault)).map(shardName);
  return { state: "damaged", offsetBytes, parts };
}

/** Whether a shard has bytes in the group of a fault. */
function touches(shard: Shard, { offsetBytes, lengthBytes }: TreeFault): boolean {
  return shard.ranges.some((range) =>
    range.offsetBytes < offsetBytes + lengthBytes &&
    offsetBytes < range.offsetBytes + range.lengthBytes
  );
}

async function openIfThere(
  { disk }: ManifestPlace,
  path: string,
): Promise<ByteSource | undefined> {
  try {
    return await fileSource(disk, path);
  } catch (thrown) {
    if (thrown instanceof ModelError && thrown.code === "not-found") return undefined;
    throw thrown;
  }
}
