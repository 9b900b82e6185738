/**
 * An encoder of GGUF headers that writes what it is told, valid or not: tests craft hostile files
 * with it. Format: docs/gguf.md of ggml, little endian.
 */

/** Ids of the metadata value types. */
export const VALUE_TYPES = {
  u8: 0,
  i8: 1,
  u16: 2,
  i16: 3,
  u32: 4,
  i32: 5,
  f32: 6,
  bool: 7,
  string: 8,
  u64: 10,
  i64: 11,
  f64: 12,
} as const;

/** The id of the array type, whose value is an item type, a count, and items. */
const TYPE_ARRAY = 9;

/** A scalar type by name. */
export type ValueType = keyof typeof VALUE_TYPES;

/** A value to write; integers of 64 bits as bigint or number; `raw` writes any bytes as any type. */
export type ValueToWrite =
  | { readonly type: "string"; readonly value: string | Uint8Array }
  | { readonly type: Exclude<ValueType, "string">; readonly value: number | bigint | boolean }
  | {
    readonly type: "array";
    readonly of: ValueType;
    readonly value: ArrayLike<number | bigint | boolean | string>;
    /** Written in place of the true count. */
    readonly count?: bigint;
  }
  | { readonly type: "raw"; readonly typeId: number; readonly value: Uint8Array };

/** A tensor to list; `offset` is relative to the start of the data, by default after the last. */
export interface TensorToWrite {
  readonly name: string | Uint8Array;
  readonly shape: readonly (number | bigint)[];
  readonly typeId: number;
  /** The bytes of its elements; what is to follow in the file. @default none */
  readonly data?: Uint8Array;
  /** Its length when `data` is written elsewhere. @default the length of `data` */
  readonly sizeBytes?: number;
  readonly offset?: number | bigint;
}

/** A file to write. Counts and version can be forged. */
export interface GgufToWrite {
  readonly metadata: readonly (readonly [key: string | Uint8Array, value: ValueToWrite])[];
  readonly tensors?: readonly TensorToWrite[];
  /** @default 3 */
  readonly version?: number;
  /** @default 32 */
  readonly alignmentBytes?: number;
  readonly tensorCount?: bigint;
  readonly pairCount?: bigint;
}

const MAGIC = "GGUF";

/** A growing little-endian byte buffer. */
class ByteWriter {
  #bytes = new Uint8Array(4096);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  bytes(bytes: Uint8Array): void {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
  }

  zeros(count: number): void {
    this.#reserve(count);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: number | bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
  }

  string(value: string | Uint8Array): void {
    const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
    this.u64(bytes.length);
    this.bytes(bytes);
  }

  scalar(type: ValueType, value: number | bigint | boolean | string): void {
    if (type === "string") return this.string(String(value));
    if (type === "u64" || type === "i64") return this.u64(BigInt(value));
    const number = Number(value);
    if (type === "f64") {
      const at = this.#reserve(8);
      return this.#view.setFloat64(at, number, true);
    }
    const sizeBytes = type === "u8" || type === "i8" || type === "bool"
      ? 1
      : /16/.test(type)
      ? 2
      : 4;
    const at = this.#reserve(sizeBytes);
    if (type === "f32") this.#view.setFloat32(at, number, true);
    else if (sizeBytes === 1) this.#view.setUint8(at, number);
    else if (sizeBytes === 2) this.#view.setUint16(at, number, true);
    else this.#view.setUint32(at, number, true);
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      bytes.set(this.#bytes);
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer);
    }
    return at;
  }
}

/** Encodes header and padding, without the tensors' data. */
export function encodeGgufHeader(file: GgufToWrite): Uint8Array {
  const { tensors = [], metadata, alignmentBytes = 32 } = file;
  const writer = new ByteWriter();
  writer.bytes(new TextEncoder().encode(MAGIC));
  writer.u32(file.version ?? 3);
  writer.u64(file.tensorCount ?? tensors.length);
  writer.u64(file.pairCount ?? metadata.length);
  for (const [key, value] of metadata) {
    writer.string(key);
    writeValue(writer, value);
  }
  let next = 0;
  for (const tensor of tensors) {
    writer.string(tensor.name);
    writer.u32(tensor.shape.length);
    for (const extent of tensor.shape) writer.u64(extent);
    writer.u32(tensor.typeId);
    writer.u64(tensor.offset ?? next);
    next += paddedSize(tensor.sizeBytes ?? tensor.data?.length ?? 0, alignmentBytes);
  }
  writer.zeros(paddedSize(writer.length, alignmentBytes) - writer.length);
  return writer.take();
}

/** Encodes a whole file; every tensor's data follows the last, padded. */
export function encodeGguf(file: GgufToWrite): Uint8Array {
  const { tensors = [], alignmentBytes = 32 } = file;
  const header = encodeGgufHeader(file);
  const sizes = tensors.map(({ data }) => paddedSize(data?.length ?? 0, alignmentBytes));
  const bytes = new Uint8Array(sizes.reduce((total, size) => total + size, header.length));
  bytes.set(header);
  let at = header.length;
  tensors.forEach(({ data }, i) => {
    if (data !== undefined) bytes.set(data, at);
    at += sizes[i] ?? 0;
  });
  return bytes;
}

/** `sizeBytes` rounded up to the alignment. */
export function paddedSize(sizeBytes: number, alignmentBytes: number): number {
  return Math.ceil(sizeBytes / alignmentBytes) * alignmentBytes;
}

function writeValue(writer: ByteWriter, value: ValueToWrite): void {
  if (value.type === "raw") {
    writer.u32(value.typeId);
    writer.bytes(value.value);
  } else if (value.type === "array") {
    writer.u32(TYPE_ARRAY);
    writer.u32(VALUE_TYPES[value.of]);
    writer.u64(value.count ?? value.value.length);
    for (let i = 0; i < value.value.length; i++) writer.scalar(value.of, value.value[i] ?? 0);
  } else if (value.type === "string") {
    writer.u32(VALUE_TYPES.string);
    writer.string(value.value);
  } else {
    writer.u32(VALUE_TYPES[value.type]);
    writer.scalar(value.type, value.value);
  }
}
