/**
 * Hashes a whole source to its root and outboard, and copies it in the same pass where asked to.
 */
import { OutboardBuilder } from "../hot/mod.ts";
import type { Blake3, ContentTree } from "../hot/mod.ts";
import type { Disk, DiskFile } from "../ports/mod.ts";
import { piecesOf } from "./_hash_pieces.ts";
import type { Piece } from "./_hash_pieces.ts";
import type { ByteSource } from "./gguf_types.ts";

/** What to hash. */
export interface HashOptions {
  readonly source: ByteSource;
  readonly blake3: Blake3;
  /** Called after each piece. */
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Does more with a piece; the piece is kept until it has. */
  readonly onPiece?: (piece: Piece) => Promise<void>;
}

/**
 * The tree of a source.
 *
 * @throws {ModelError} `truncated` @throws {DiskError}
 * @throws the signal's reason when it aborts
 */
export async function hashSource(options: HashOptions): Promise<ContentTree> {
  const { source, blake3, onProgress, onPiece } = options;
  const builder = new OutboardBuilder(blake3, source.sizeBytes);
  for await (const piece of piecesOf(options)) {
    builder.add(piece.bytes);
    await onPiece?.(piece);
    onProgress?.(piece.offsetBytes + piece.bytes.length, source.sizeBytes);
  }
  return builder.finish();
}

/**
 * Hashes a source and writes it to `target`, which is there, whole and synced, on return; until then
 * the bytes are in `<target>.partial`, which is removed on failure.
 *
 * @throws {ModelError} `truncated` @throws {DiskError}
 * @throws the signal's reason when it aborts
 */
export async function copyWhileHashing(
  options: HashOptions & { readonly disk: Disk; readonly target: string },
): Promise<ContentTree> {
  const { disk, target } = options;
  const partial = `${target}.partial`;
  try {
    const copy = await disk.open(partial, "truncate", 0o600);
    const tree = await hashInto(options, copy);
    await disk.rename(partial, target);
    await disk.syncDirectory(target.slice(0, target.lastIndexOf("/")) || "/");
    return tree;
  } catch (thrown) {
    if (await disk.stat(partial) !== undefined) await disk.remove(partial);
    throw thrown;
  }
}

async function hashInto(options: HashOptions, copy: DiskFile): Promise<ContentTree> {
  try {
    const tree = await hashSource({
      ...options,
      onPiece: ({ bytes, offsetBytes }) => copy.write(bytes, offsetBytes),
    });
    await copy.sync();
    return tree;
  } finally {
    await copy.close();
  }
}
