/**
 * Blocks of integers, decoded from the file's bytes (docs/NUMERIC_CLASS.md section 2.1).
 *
 * Names of fields and indices are those of the text.
 */
import type { MatrixType } from "../_tensors.ts";
import { halfToFloat } from "./halves.ts";

/** Types whose rows are blocks of integers. */
export type BlockType = Exclude<MatrixType, "F32" | "F16" | "BF16">;

/** Blocks of 32 columns, one after the other. */
export interface Blocks {
  /** `w`: 32 of each block. */
  readonly integers: Int8Array;
  /** `a`. */
  readonly scales: Float32Array;
  /** `s0` and `s1` of each block. */
  readonly factors: Int8Array;
  /** `b`, and `m0` and `m1` of each block; absent where the type has no minimum. */
  readonly minima: { readonly scales: Float32Array; readonly factors: Uint8Array } | undefined;
}

/** Writes the file's block at byte `at` as block `block` (and the 7 after it) of `out`. */
type Decoder = (out: Writer, at: number, block: number) => void;

interface BlockFormat {
  /** Bytes of a block in the file, and its columns. */
  readonly bytes: number;
  readonly columns: 32 | 256;
  readonly hasMinimum: boolean;
  readonly decode: Decoder;
}

const formats: Readonly<Record<BlockType, BlockFormat>> = {
  Q8_0: { bytes: 34, columns: 32, hasMinimum: false, decode: decodeQ80 },
  Q4_0: { bytes: 18, columns: 32, hasMinimum: false, decode: decodeQ40 },
  Q4_1: { bytes: 20, columns: 32, hasMinimum: true, decode: decodeQ41 },
  Q5_0: { bytes: 22, columns: 32, hasMinimum: false, decode: decodeQ50 },
  Q5_1: { bytes: 24, columns: 32, hasMinimum: true, decode: decodeQ51 },
  IQ4_NL: { bytes: 18, columns: 32, hasMinimum: false, decode: decodeIq4 },
  Q2_K: { bytes: 84, columns: 256, hasMinimum: true, decode: decodeQ2 },
  Q3_K: { bytes: 110, columns: 256, hasMinimum: false, decode: decodeQ3 },
  Q4_K: { bytes: 144, columns: 256, hasMinimum: true, decode: decodeQ4 },
  Q5_K: { bytes: 176, columns: 256, hasMinimum: true, decode: decodeQ5 },
  Q6_K: { bytes: 210, columns: 256, hasMinimum: false, decode: decodeQ6 },
};

const iq4Table = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/** Whether a type's rows are blocks of integers. */
export function isBlockType(type: MatrixType): type is BlockType {
  return Object.hasOwn(formats, type);
}

/** Decodes all of a tensor's bytes. Scales may be infinite or NaN; that is for the caller to see. */
export function decodeBlocks(type: BlockType, bytes: DataView): Blocks {
  const format = formats[type];
  const writer = new Writer(bytes, format);
  const count = bytes.byteLength / format.bytes;
  for (let i = 0; i < count; i++) {
    format.decode(writer, i * format.bytes, i * (format.columns / 32));
  }
  return writer;
}

/** The file's bytes, and the blocks being written. */
class Writer implements Blocks {
  readonly integers: Int8Array;
  readonly scales: Float32Array;
  readonly factors: Int8Array;
  readonly minima: { readonly scales: Float32Array; readonly factors: Uint8Array } | undefined;
  readonly #bytes: DataView;
  readonly #blocksEach: number;

  constructor(bytes: DataView, format: BlockFormat) {
    const count = (bytes.byteLength / format.bytes) * (format.columns / 32);
    this.#bytes = bytes;
    this.#blocksEach = format.columns / 32;
    this.integers = new Int8Array(count * 32);
    this.scales = new Float32Array(count);
    this.factors = new Int8Array(count * 2).fill(1);
    this.minima = format.hasMinimum
      ? { scales: new Float32Array(count), factors: new Uint8Array(count * 2).fill(1) }
      : undefined;
  }

  byte(at: number): number {
    return this.#bytes.getUint8(at);
  }

  signedByte(at: number): number {
    return this.#bytes.getInt8(at);
  }

  word(at: number): number {
    return this.#bytes.getUint32(at, true);
  }

  half(at: number): number {
    return halfToFloat(this.#bytes.getUint16(at, true));
  }

  /** The low (`high` false) or high nibble of a byte. */
  nibble(at: number, high: boolean): number {
    return high ? this.byte(at) >> 4 : this.byte(at) & 15;
  }

  /** `count` bits of a byte from bit `from` on. */
  bits(at: number, from: number, count: number): number {
    return (this.byte(at) >> from) & ((1 << count) - 1);
  }

  /** Column `i` of a Q4_0 block's 16 bytes. */
  paired(at: number, i: number): number {
    return this.nibble(at + i % 16, i >= 16);
  }

  /** `a` and `b` of the file's block that begins with block `block`. */
  setScales(block: number, a: number, b = 0): void {
    this.scales.fill(a, block, block + this.#blocksEach);
    this.minima?.scales.fill(b, block, block + this.#blocksEach);
  }

  /** `w` of each column. */
  setIntegers(block: number, w: (i: number) => number): void {
    for (let i = 0; i < 32; i++) this.integers[block * 32 + i] = w(i);
  }

  /** s and m of the 16 columns from 16 * `half` on. */
  setFactors(half: number, s: number, m = 1): void {
    this.factors[half] = s;
    if (this.minima !== undefined) this.minima.factors[half] = m;
  }
}

function decodeQ80(file: Writer, at: number, block: number): void {
  file.setScales(block, file.half(at));
  file.setIntegers(block, (i) => file.signedByte(at + 2 + i));
}

function decodeQ40(file: Writer, at: number, block: number): void {
  file.setScales(block, file.half(at));
  file.setIntegers(block, (i) => file.paired(at + 2, i) - 8);
}

function decodeQ41(file: Writer, at: number, block: number): void {
  file.setScales(block, file.half(at), file.half(at + 2));
  file.setIntegers(block, (i) => file.paired(at + 4, i));
}

function decodeQ50(file: Writer, at: number, block: number): void {
  const h = file.word(at + 2);
  file.setScales(block, file.half(at));
  file.setIntegers(block, (i) => file.paired(at + 6, i) + 16 * ((h >>> i) & 1) - 16);
}

function decodeQ51(file: Writer, at: number, block: number): void {
  const h = file.word(at + 4);
  file.setScales(block, file.half(at), file.half(at + 2));
  file.setIntegers(block, (i) => file.paired(at + 8, i) + 16 * ((h >>> i) & 1));
}

function decodeIq4(file: Writer, at: number, block: number): void {
  file.setScales(block, file.half(at));
  file.setIntegers(block, (i) => iq4Table[file.paired(at + 2, i)] ?? NaN);
}

function decodeQ2(file: Writer, at: number, block: number): void {
  file.setScales(block, file.half(at + 80), -file.half(at + 82));
  for (let t = 0; t < 8; t++) {
    const u = Math.floor(t / 4);
    const v = t % 4;
    file.setIntegers(block + t, (i) => file.bits(at + 16 + 32 * u + i, 2 * v, 2));
    for (const half of [0, 1]) {
      const scale = at + 2 * t + half;
      file.setFactors(2 * (block + t) + half, file.nibble(scale, false), file.nibble(scale, true));
    }
  }
}

function decodeQ3(file: Writer, at: number, block: number): void {
  const hmask = at;
  const qs = at + 32;
  const scales = at + 96;
  file.setScales(block, file.half(at + 108));
  for (let t = 0; t < 8; t++) {
    const u = Math.floor(t / 4);
    const v = t % 4;
    file.setIntegers(block + t, (i) => {
      return file.bits(qs + 32 * u + i, 2 * v, 2) + 4 * file.bits(hmask + i, t, 1) - 4;
    });
    for (const half of [0, 1]) {
      const k = 2 * t + half;
      const lower = file.nibble(scales + k % 8, k >= 8);
      const upper = file.bits(scales + 8 + k % 4, 2 * Math.floor(k / 4), 2);
      file.setFactors(2 * (block + t) + half, lower + 16 * upper - 32);
    }
  }
}

function decodeQ4(file: Writer, at: number, block: number): void {
  const qs = at + 16;
  decodeSixBitScales(file, at, block);
  for (let t = 0; t < 8; t++) {
    const from = qs + 32 * Math.floor(t / 2);
    file.setIntegers(block + t, (i) => file.nibble(from + i, t % 2 === 1));
  }
}

function decodeQ5(file: Writer, at: number, block: number): void {
  const qh = at + 16;
  const qs = at + 48;
  decodeSixBitScales(file, at, block);
  for (let t = 0; t < 8; t++) {
    const from = qs + 32 * Math.floor(t / 2);
    file.setIntegers(block + t, (i) => {
      return file.nibble(from + i, t % 2 === 1) + 16 * file.bits(qh + i, t, 1);
    });
  }
}

/** What Q4_K and Q5_K begin with. */
function decodeSixBitScales(file: Writer, at: number, block: number): void {
  const scales = at + 4;
  file.setScales(block, file.half(at), -file.half(at + 2));
  for (let t = 0; t < 8; t++) {
    const s = t < 4
      ? file.bits(scales + t, 0, 6)
      : file.nibble(scales + t + 4, false) + 16 * file.bits(scales + t - 4, 6, 2);
    const m = t < 4
      ? file.bits(scales + t + 4, 0, 6)
      : file.nibble(scales + t + 4, true) + 16 * file.bits(scales + t, 6, 2);
    file.setFactors(2 * (block + t), s, m);
    file.setFactors(2 * (block + t) + 1, s, m);
  }
}

function decodeQ6(file: Writer, at: number, block: number): void {
  const ql = at;
  const qh = at + 128;
  const scales = at + 192;
  file.setScales(block, file.half(at + 208));
  for (let t = 0; t < 8; t++) {
    const u = Math.floor(t / 4);
    const v = t % 4;
    file.setIntegers(block + t, (i) => {
      const lower = file.nibble(ql + 64 * u + 32 * (v % 2) + i, v >= 2);
      return lower + 16 * file.bits(qh + 32 * u + i, 2 * v, 2) - 32;
    });
    for (const half of [0, 1]) {
      file.setFactors(2 * (block + t) + half, file.signedByte(scales + 2 * t + half));
    }
  }
}
