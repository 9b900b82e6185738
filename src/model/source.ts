/**
 * Byte sources: where the GGUF reader and the executor take a model's bytes from.
 */
import type { Disk } from "../ports/mod.ts";
import { ModelError, quoteForMessage } from "./errors.ts";
import type { ByteSource } from "./gguf_types.ts";

/**
 * A source over an array in memory; the array is read in place and must not change.
 *
 * @param name for messages, as "embedded:stories260K"
 */
export function bytesSource(bytes: Uint8Array, name: string): ByteSource {
  return {
    sizeBytes: bytes.length,
    name,
    read(into: Uint8Array, position: number): Promise<number> {
      const part = bytes.subarray(position, position + into.length);
      into.set(part);
      return Promise.resolve(part.length);
    },
    close(): Promise<void> {
      return Promise.resolve();
    },
  };
}

/**
 * Opens a file as a source; its length is taken once, at opening.
 *
 * @param path absolute
 * @throws {ModelError} `not-found` when nothing is there, `not-a-file` for anything but a file
 * @throws {DiskError} when the disk fails
 */
export async function fileSource(disk: Disk, path: string): Promise<ByteSource> {
  const info = await disk.stat(path);
  const name = quoteForMessage(path);
  if (info === undefined) {
    throw new ModelError("not-found", `Cannot open model ${name} as no such file exists`);
  }
  if (info.kind !== "file") {
    const kind = info.kind === "directory" ? "a directory" : "neither file nor directory";
    throw new ModelError(
      "not-a-file",
      `Cannot open model ${name} as it must be a file: it is ${kind}`,
    );
  }
  const file = await disk.open(path, "read");
  try {
    const sizeBytes = await file.sizeBytes();
    return {
      sizeBytes,
      name: path,
      read: (into: Uint8Array, position: number): Promise<number> => file.read(into, position),
      close: (): Promise<void> => file.close(),
    };
  } catch (cause) {
    await file.close();
    throw cause;
  }
}
