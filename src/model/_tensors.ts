/**
 * The tensor list of a GGUF header, and the check that tensors lie within the file, apart.
 *
 * Format: docs/gguf.md of ggml. An entry is a name, a u32 count of extents, the extents (u64), a u32
 * type, a u64 offset from the start of the data, which begins at the next aligned byte.
 */
import { quoteForMessage } from "./errors.ts";
import type { TensorInfo, TensorType } from "./gguf_types.ts";
import type { HeaderReader } from "./_header_reader.ts";
import { TENSOR_EXTENTS_MAX, TENSOR_NAME_BYTES_MAX, TENSORS_MAX } from "./limits.ts";
import { readString } from "./_metadata.ts";
import { REFUSED_TYPE_NAMES, TENSOR_LAYOUTS, TENSOR_TYPE_BY_ID } from "./tensor_types.ts";

/** Smallest entry: name length and one byte, extent count, one extent, type, offset. */
const ENTRY_BYTES_MIN = 8 + 1 + 4 + 8 + 4 + 8;

/**
 * Reads `tensorCount` entries; offsets are still relative to the start of the data.
 *
 * @throws {ModelError} naming the tensor
 */
export async function readTensorList(
  reader: HeaderReader,
  tensorCount: number,
): Promise<Map<string, TensorInfo>> {
  reader.checkCount(tensorCount, {
    itemBytesMin: ENTRY_BYTES_MIN,
    countMax: TENSORS_MAX,
    place: "its tensor list",
  });
  const tensors = new Map<string, TensorInfo>();
  for (let i = 0; i < tensorCount; i++) {
    const name = await readString(reader, {
      place: `the name of tensor ${i}`,
      bytesMax: TENSOR_NAME_BYTES_MAX,
    });
    if (name === "") throw reader.error("bad-tensor", `the name of tensor ${i} must not be empty`);
    if (tensors.has(name)) {
      throw reader.error("duplicate", `tensor ${quoteForMessage(name)} must occur once`);
    }
    tensors.set(name, await readEntry(reader, name));
  }
  return tensors;
}

/**
 * Turns offsets absolute and checks each tensor's place.
 *
 * @param options `dataStart` is the absolute, aligned offset of the data
 * @throws {ModelError} `bad-tensor` (not aligned, overlapping) or `truncated`
 */
export function placeTensors(
  reader: HeaderReader,
  options: {
    tensors: ReadonlyMap<string, TensorInfo>;
    dataStart: number;
    alignmentBytes: number;
    fileSizeBytes: number;
  },
): Map<string, TensorInfo> {
  const { dataStart, alignmentBytes, fileSizeBytes } = options;
  const placed = new Map<string, TensorInfo>();
  for (const info of options.tensors.values()) {
    const name = quoteForMessage(info.name);
    if (info.offset % alignmentBytes !== 0) {
      throw reader.error(
        "bad-tensor",
        `tensor ${name} must start at a multiple of ${alignmentBytes}: current offset is ${info.offset}`,
      );
    }
    const offset = dataStart + info.offset;
    if (offset + info.sizeBytes > fileSizeBytes) {
      throw reader.error(
        "truncated",
        `tensor ${name} ends at byte ${
          offset + info.sizeBytes
        }: the file has ${fileSizeBytes} in all`,
      );
    }
    placed.set(info.name, { ...info, offset });
  }
  checkApart(reader, placed);
  return placed;
}

async function readEntry(reader: HeaderReader, name: string): Promise<TensorInfo> {
  const place = `tensor ${quoteForMessage(name)}`;
  await reader.prepare(4, place);
  const extentCount = reader.u32();
  if (extentCount < 1 || extentCount > TENSOR_EXTENTS_MAX) {
    throw reader.error(
      "bad-tensor",
      `${place} must have 1 to ${TENSOR_EXTENTS_MAX} extents: current count is ${extentCount}`,
    );
  }
  await reader.prepare(extentCount * 8 + 12, place);
  const shape: number[] = [];
  for (let i = 0; i < extentCount; i++) shape.push(reader.u64());
  const type = tensorType(reader, place);
  const offset = reader.u64();
  if (!Number.isSafeInteger(offset)) {
    throw reader.error("truncated", `${place} starts beyond any file: current offset is ${offset}`);
  }
  return { name, type, shape, offset, sizeBytes: sizeOf(reader, { place, shape, type }) };
}

function tensorType(reader: HeaderReader, place: string): TensorType {
  const id = reader.u32();
  const type = TENSOR_TYPE_BY_ID.get(id);
  if (type === undefined) {
    const met = REFUSED_TYPE_NAMES.get(id) ?? `number ${id}`;
    const known = [...TENSOR_TYPE_BY_ID.values()].join(", ");
    throw reader.error(
      "unsupported-tensor-type",
      `${place} must have one of the types ${known}: current type is ${met}`,
    );
  }
  return type;
}

function sizeOf(
  reader: HeaderReader,
  options: { place: string; shape: readonly number[]; type: TensorType },
): number {
  const { place, shape, type } = options;
  const layout = TENSOR_LAYOUTS[type];
  let elements = 1;
  for (const extent of shape) elements *= extent;
  const text = shape.join(" x ");
  if (shape.some((extent) => extent === 0)) {
    throw reader.error(
      "bad-tensor",
      `${place} must have extents above 0: current shape is ${text}`,
    );
  }
  const sizeBytes = elements / layout.elements * layout.sizeBytes;
  if (!Number.isSafeInteger(elements) || !(sizeBytes <= Number.MAX_SAFE_INTEGER)) {
    throw reader.error(
      "bad-tensor",
      `${place} must have a countable size: current shape is ${text}`,
    );
  }
  if ((shape[0] ?? 0) % layout.elements !== 0) {
    throw reader.error(
      "bad-tensor",
      `${place} must have rows of a multiple of ${layout.elements} for ${type}: current shape is ${text}`,
    );
  }
  return sizeBytes;
}

function checkApart(reader: HeaderReader, tensors: ReadonlyMap<string, TensorInfo>): void {
  const ordered = [...tensors.values()].sort((a, b) => a.offset - b.offset);
  let previous: TensorInfo | undefined;
  for (const info of ordered) {
    if (previous !== undefined && previous.offset + previous.sizeBytes > info.offset) {
      throw reader.error(
        "bad-tensor",
        `tensors ${quoteForMessage(previous.name)} and ${
          quoteForMessage(info.name)
        } must not overlap:` +
          ` the first ends at byte ${
            previous.offset + previous.sizeBytes
          }, the second starts at ${info.offset}`,
      );
    }
    previous = info;
  }
}
