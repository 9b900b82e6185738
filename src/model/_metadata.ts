/**
 * The key-value section of a GGUF header.
 *
 * Format: docs/gguf.md of ggml. A pair is a string (u64 length, bytes), a u32 value type, a value; an
 * array is a u32 item type, a u64 count, the items.
 */
import { quoteForMessage } from "./errors.ts";
import type { MetadataValue } from "./gguf_types.ts";
import type { HeaderReader } from "./_header_reader.ts";
import {
  ARRAY_ITEMS_MAX,
  KEY_BYTES_MAX,
  METADATA_PAIRS_MAX,
  STRING_BYTES_MAX,
  TOKEN_BYTES_MAX,
} from "./limits.ts";

/** Smallest pair: 8 bytes of key length, one of key, four of type, one of value. */
const PAIR_BYTES_MIN = 14;

const TYPE_BOOL = 7;
const TYPE_STRING = 8;
const TYPE_ARRAY = 9;

/** How one scalar type is read, and which array holds many of it. */
interface Scalar {
  readonly sizeBytes: number;
  readonly integer: boolean;
  read(reader: HeaderReader): number;
  make(count: number): Float32Array | Float64Array | Int32Array | Uint32Array | number[];
}

function integers32(count: number): Int32Array {
  return new Int32Array(count);
}

function plain(count: number): number[] {
  return new Array<number>(count).fill(0);
}

/** Value type id to its reading; bool, string and array are not here. */
const SCALARS: ReadonlyMap<number, Scalar> = new Map<number, Scalar>([
  [0, { sizeBytes: 1, integer: true, read: (r) => r.u8(), make: integers32 }],
  [1, { sizeBytes: 1, integer: true, read: (r) => r.i8(), make: integers32 }],
  [2, { sizeBytes: 2, integer: true, read: (r) => r.u16(), make: integers32 }],
  [3, { sizeBytes: 2, integer: true, read: (r) => r.i16(), make: integers32 }],
  [4, { sizeBytes: 4, integer: true, read: (r) => r.u32(), make: (n) => new Uint32Array(n) }],
  [5, { sizeBytes: 4, integer: true, read: (r) => r.i32(), make: integers32 }],
  [6, { sizeBytes: 4, integer: false, read: (r) => r.f32(), make: (n) => new Float32Array(n) }],
  [10, { sizeBytes: 8, integer: true, read: (r) => r.u64(), make: plain }],
  [11, { sizeBytes: 8, integer: true, read: (r) => r.i64(), make: plain }],
  [12, { sizeBytes: 8, integer: false, read: (r) => r.f64(), make: (n) => new Float64Array(n) }],
]);

/** `ignoreBOM` keeps a leading U+FEFF, which is a token of real vocabularies. */
const STRICT = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LENIENT = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/**
 * Reads a string of u64 length, refusing a length beyond the file or `bytesMax`, and invalid UTF-8.
 *
 * @param options `place` names the string in messages
 * @throws {ModelError} `truncated`, `too-large`, or `bad-metadata`
 */
export async function readString(
  reader: HeaderReader,
  options: { place: string; bytesMax: number },
): Promise<string> {
  const { place, bytesMax } = options;
  const { position } = reader;
  const bytes = await readStringBytes(reader, { place, bytesMax });
  try {
    return STRICT.decode(bytes);
  } catch {
    throw reader.error("bad-metadata", `${place} at byte ${position} must be valid UTF-8`);
  }
}

/**
 * Reads `pairCount` pairs.
 *
 * @throws {ModelError} naming the key and its place
 */
export async function readMetadata(
  reader: HeaderReader,
  pairCount: number,
): Promise<Map<string, MetadataValue>> {
  reader.checkCount(pairCount, {
    itemBytesMin: PAIR_BYTES_MIN,
    countMax: METADATA_PAIRS_MAX,
    place: "its metadata",
  });
  const metadata = new Map<string, MetadataValue>();
  for (let i = 0; i < pairCount; i++) {
    const { position } = reader;
    const key = await readString(reader, { place: `metadata key ${i}`, bytesMax: KEY_BYTES_MAX });
    const name = quoteForMessage(key);
    if (key === "") throw reader.error("bad-metadata", `metadata key ${i} must not be empty`);
    if (metadata.has(key)) {
      throw reader.error("duplicate", `key ${name} at byte ${position} must occur once`);
    }
    metadata.set(key, await readValue(reader, `the value of key ${name}`));
  }
  return metadata;
}

async function readStringBytes(
  reader: HeaderReader,
  options: { place: string; bytesMax: number },
): Promise<Uint8Array> {
  const { place, bytesMax } = options;
  if (!reader.has(8)) await reader.prepare(8, place);
  const sizeBytes = reader.u64();
  reader.checkCount(sizeBytes, { itemBytesMin: 1, countMax: bytesMax, place });
  if (!reader.has(sizeBytes)) await reader.prepare(sizeBytes, place);
  return reader.bytes(sizeBytes);
}

async function readValue(reader: HeaderReader, place: string): Promise<MetadataValue> {
  await reader.prepare(4, place);
  const type = reader.u32();
  if (type === TYPE_STRING) return await readString(reader, { place, bytesMax: STRING_BYTES_MAX });
  if (type === TYPE_ARRAY) return await readArray(reader, place);
  if (type === TYPE_BOOL) {
    await reader.prepare(1, place);
    return readBool(reader, place);
  }
  const scalar = SCALARS.get(type);
  if (scalar === undefined) {
    throw reader.error("bad-metadata", `${place} must have a known type: current type is ${type}`);
  }
  await reader.prepare(scalar.sizeBytes, place);
  return readScalar(reader, { scalar, place });
}

function readBool(reader: HeaderReader, place: string): boolean {
  const byte = reader.u8();
  if (byte > 1) {
    throw reader.error(
      "bad-metadata",
      `${place} must be a bool of 0 or 1: current byte is ${byte}`,
    );
  }
  return byte === 1;
}

function readScalar(reader: HeaderReader, options: { scalar: Scalar; place: string }): number {
  const { scalar, place } = options;
  const value = scalar.read(reader);
  if (scalar.integer && !Number.isSafeInteger(value)) {
    throw reader.error(
      "bad-metadata",
      `${place} must be an integer within 2^53 - 1: it is ${value}`,
    );
  }
  return value;
}

async function readArray(reader: HeaderReader, place: string): Promise<MetadataValue> {
  await reader.prepare(12, place);
  const type = reader.u32();
  const count = reader.u64();
  if (type === TYPE_ARRAY) {
    throw reader.error("bad-metadata", `${place} must not be an array of arrays`);
  }
  if (type === TYPE_STRING) return await readStrings(reader, { count, place });
  if (type === TYPE_BOOL) return await readBools(reader, { count, place });
  const scalar = SCALARS.get(type);
  if (scalar === undefined) {
    throw reader.error("bad-metadata", `${place} must have a known item type: it is ${type}`);
  }
  reader.checkCount(count, { itemBytesMin: scalar.sizeBytes, countMax: ARRAY_ITEMS_MAX, place });
  const items = scalar.make(count);
  for (let i = 0; i < count; i++) {
    if (!reader.has(scalar.sizeBytes)) await reader.prepare(scalar.sizeBytes, place);
    items[i] = readScalar(reader, { scalar, place });
  }
  return items;
}

/** Strings of arrays are tokens and merges: invalid UTF-8 becomes U+FFFD instead of an error. */
async function readStrings(
  reader: HeaderReader,
  options: { count: number; place: string },
): Promise<string[]> {
  const { count, place } = options;
  reader.checkCount(count, { itemBytesMin: 8, countMax: ARRAY_ITEMS_MAX, place });
  const strings: string[] = [];
  for (let i = 0; i < count; i++) {
    const bytes = await readStringBytes(reader, {
      place: `item ${i} of ${place}`,
      bytesMax: TOKEN_BYTES_MAX,
    });
    strings.push(LENIENT.decode(bytes));
  }
  return strings;
}

async function readBools(
  reader: HeaderReader,
  options: { count: number; place: string },
): Promise<boolean[]> {
  const { count, place } = options;
  reader.checkCount(count, { itemBytesMin: 1, countMax: ARRAY_ITEMS_MAX, place });
  const bools: boolean[] = [];
  for (let i = 0; i < count; i++) {
    if (!reader.has(1)) await reader.prepare(1, place);
    bools.push(readBool(reader, place));
  }
  return bools;
}
