/**
 * What a GGUF file says about itself: types only, shared by the reader, the executor and the tools.
 *
 * Format: GGUF v2 and v3, little endian (ggml's docs/gguf.md).
 */

/** Where bytes come from: a file, or an array in memory. Reads past the end return fewer bytes. */
export interface ByteSource {
  /** Length in bytes. */
  readonly sizeBytes: number;
  /** A name for messages: a path, or "embedded:stories260K". */
  readonly name: string;
  /** Reads up to `into.length` bytes at `position`; returns how many. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Releases the source. */
  close(): Promise<void>;
}

/** A tensor's element type, by ggml's name. Types not listed are refused when a file is read. */
export type TensorType =
  | "F32"
  | "F16"
  | "BF16"
  | "Q4_0"
  | "Q4_1"
  | "Q5_0"
  | "Q5_1"
  | "Q8_0"
  | "Q2_K"
  | "Q3_K"
  | "Q4_K"
  | "Q5_K"
  | "Q6_K"
  | "IQ4_NL";

/** One tensor of a file. */
export interface TensorInfo {
  readonly name: string;
  readonly type: TensorType;
  /** Extents in ggml's order: the first is the row length (columns), the second the rows. 1 to 4. */
  readonly shape: readonly number[];
  /** Absolute offset in the file, in bytes. */
  readonly offset: number;
  /** Length in bytes; `offset + sizeBytes` is within the file. */
  readonly sizeBytes: number;
}

/** A metadata value; integers beyond 2^53-1 are refused; typed arrays hold numeric arrays. */
export type MetadataValue =
  | number
  | boolean
  | string
  | readonly string[]
  | readonly boolean[]
  | Float32Array
  | Float64Array
  | Int32Array
  | Uint32Array
  | readonly number[];

/** A checked GGUF header. Tensors do not overlap and lie within the file. */
export interface GgufFile {
  readonly name: string;
  readonly version: 2 | 3;
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  readonly alignmentBytes: number;
  readonly sizeBytes: number;
}
