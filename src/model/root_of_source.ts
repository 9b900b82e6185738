/** The root of a file that has no manifest. */
import { Blake3, encodeHex } from "../hot/mod.ts";
import { hashSource } from "./_hash_source.ts";
import type { ByteSource } from "./gguf_types.ts";

/**
 * The BLAKE3 root of a source, 64 hexadecimal digits: reads it once.
 *
 * @throws {ModelError} `truncated` @throws {DiskError}
 * @throws the signal's reason when it aborts
 */
export async function rootOfSource(
  options: {
    readonly source: ByteSource;
    readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
    readonly signal?: AbortSignal;
  },
): Promise<string> {
  const tree = await hashSource({ ...options, blake3: new Blake3() });
  return encodeHex(tree.root);
}
