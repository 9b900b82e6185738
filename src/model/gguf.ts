/**
 * The strict reader of GGUF headers.
 *
 * It reads metadata and the tensor list, never weights; every count and length is checked against
 * the file and a limit before anything is allocated for it. It does not judge whether the model can
 * be executed: see shape.ts.
 *
 * Format: GGUF v2 and v3, little endian (docs/gguf.md of ggml):
 *
 *     "GGUF" | u32 version | u64 tensor count | u64 pair count | pairs | tensor list | padding | data
 */
import type { ByteSource, GgufFile, MetadataValue } from "./gguf_types.ts";
import { HeaderReader } from "./_header_reader.ts";
import { readMetadata } from "./_metadata.ts";
import { placeTensors, readTensorList } from "./_tensors.ts";
import { ALIGNMENT_BYTES_MAX, ALIGNMENT_BYTES_MIN } from "./limits.ts";

/** "GGUF", read as a little-endian u32. */
const MAGIC = 0x46554747;
const PREFIX_BYTES = 4 + 4 + 8 + 8;
const ALIGNMENT_BYTES_DEFAULT = 32;

/**
 * Reads and checks the header of a model file; does not close the source.
 *
 * Memory is bounded by the header's own length (times a small constant), whatever its counts say.
 *
 * @returns metadata and tensors, each tensor within the file and none overlapping
 * @throws {ModelError} with a code and one sentence naming the key or tensor
 */
export async function openGguf(source: ByteSource): Promise<GgufFile> {
  const reader = new HeaderReader(source);
  const { version, tensorCount, pairCount } = await readPrefix(reader);
  const metadata = await readMetadata(reader, pairCount);
  const alignmentBytes = alignmentOf(reader, metadata);
  const listed = await readTensorList(reader, tensorCount);
  const tensors = placeTensors(reader, {
    tensors: listed,
    dataStart: Math.ceil(reader.position / alignmentBytes) * alignmentBytes,
    alignmentBytes,
    fileSizeBytes: source.sizeBytes,
  });
  return {
    name: source.name,
    version,
    metadata,
    tensors,
    alignmentBytes,
    sizeBytes: source.sizeBytes,
  };
}

async function readPrefix(
  reader: HeaderReader,
): Promise<{ version: 2 | 3; tensorCount: number; pairCount: number }> {
  if (reader.leftBytes >= 4) await reader.prepare(4, "its magic");
  if (reader.leftBytes < 4 || reader.u32() !== MAGIC) {
    throw reader.error("not-gguf", "its first four bytes must be 'GGUF'");
  }
  await reader.prepare(PREFIX_BYTES - 4, "its fixed header");
  const version = reader.u32();
  if (version !== 0 && (version & 0xffff) === 0) {
    throw reader.error(
      "big-endian",
      "big-endian files are not supported: convert it to little endian",
    );
  }
  if (version !== 2 && version !== 3) {
    throw reader.error(
      "unsupported-version",
      `its GGUF version must be 2 or 3: current version is ${version}`,
    );
  }
  return { version, tensorCount: reader.u64(), pairCount: reader.u64() };
}

function alignmentOf(reader: HeaderReader, metadata: ReadonlyMap<string, MetadataValue>): number {
  const value = metadata.get("general.alignment") ?? ALIGNMENT_BYTES_DEFAULT;
  const valid = typeof value === "number" && Number.isInteger(Math.log2(value)) &&
    value >= ALIGNMENT_BYTES_MIN && value <= ALIGNMENT_BYTES_MAX;
  if (!valid) {
    throw reader.error(
      "bad-metadata",
      `'general.alignment' must be a power of two from ${ALIGNMENT_BYTES_MIN} to ${ALIGNMENT_BYTES_MAX}:` +
        ` current value is ${String(value).slice(0, 40)}`,
    );
  }
  return value;
}
