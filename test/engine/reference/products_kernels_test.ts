/**
 * The product kernels against a plain computation: every format, kind and build, one to nine
 * positions, and numbers of groups that fill no pass.
 *
 * Matrices are random, packed here as the format's descriptor says (wasm/gen/products.ts), so this
 * is a second reading of the descriptors. What a kernel writes outside its groups is an error.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { instantiateKernels } from "../../../src/engine/_module.ts";
import type { Build, Kernels } from "../../../src/engine/_module.ts";
import { probeMode } from "../../../src/engine/mod.ts";
import { dot, quantise } from "../../../src/engine/reference/products.ts";
import type { Quantised } from "../../../src/engine/reference/products.ts";
import { formats } from "../../../wasm/gen/formats/all.ts";
import { kindModes, unitBytes } from "../../../wasm/gen/formats/format.ts";
import type { Format, Mode, RowBytes, RowHalves } from "../../../wasm/gen/formats/format.ts";

const fround = Math.fround;
const columns = 512;
const groupCount = 7;
const positionsMax = 9;
const rows = groupCount * 8;

/** Memory map. */
const weightsPtr = 4096;
const xPtr = 2 ** 20;
const xStride = columns * 4 + 64;
const bytesPtr = xPtr + positionsMax * xStride;
const wordsPtr = bytesPtr + positionsMax * columns;
const metaPtr = wordsPtr + positionsMax * columns * 2;
const yPtr = metaPtr + positionsMax * (columns / 2);
const yStride = rows * 4 + 64;

let seed = 1;
/** 32 random bits (a linear congruential generator's upper ones). */
function random(): number {
  seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
  return (seed ^ (seed >>> 15)) >>> 0;
}

/** A matrix: packed bytes, and each row's exact product with quantised or f32 activations. */
interface Packed {
  readonly bytes: Uint8Array;
  product(row: number, x: Float32Array, quantised: Quantised): number;
}

function float16(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  const size = exponent === 0 ? fraction * 2 ** -24 : (1 + fraction / 1024) * 2 ** (exponent - 15);
  return bits >> 15 === 1 ? -size : size;
}

function bfloat16(bits: number): number {
  return new Float32Array(Uint32Array.of(bits << 16).buffer)[0] ?? NaN;
}

/** F32, F16 or BF16. */
function plainMatrix(kind: number): Packed {
  const count = groupCount * columns * 8;
  const words = kind === 0 ? new Uint32Array(count) : new Uint16Array(count);
  const values = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    if (kind === 0) {
      values[i] = (random() / 2 ** 31 - 1) * 2 ** ((random() % 9) - 4);
      words[i] = new Uint32Array(values.buffer)[i] ?? 0;
    } else {
      words[i] = kind === 1 ? random() & 0xbfff : (random() & 0x83ff) | 0x3c00;
      values[i] = kind === 1 ? float16(words[i] ?? 0) : bfloat16(words[i] ?? 0);
    }
  }
  return {
    bytes: new Uint8Array(words.buffer),
    product(row: number, x: Float32Array): number {
      const from = (row >> 3) * columns * 8 + (row & 7);
      const w = Float32Array.from({ length: columns }, (_, k) => values[from + k * 8] ?? NaN);
      return dot(w, 0, x, 0, columns);
    },
  };
}

/** One block of one row: what the arithmetic of wasm/gen/products.ts reads. */
interface Block {
  readonly weights: readonly number[];
  readonly scale: number;
  readonly subscales: readonly number[] | undefined;
  readonly factor: number | undefined;
  readonly multipliers: readonly number[] | undefined;
}

class FormatMatrix implements Packed {
  readonly bytes: Uint8Array;
  readonly #format: Format;
  readonly #mode: Mode;

  constructor(format: Format, mode: Mode) {
    this.#format = format;
    this.#mode = mode;
    const units = groupCount * columns / (32 * format.unitBlocks);
    this.bytes = new Uint8Array(units * unitBytes(format)).map(() => random() >> 8);
    for (let unit = 0; unit < units; unit++) {
      for (const place of [format.scale, format.minimum?.factor]) this.#tame(unit, place);
      if (format.codes.as === "small") this.#lower(unit, format.codes.max);
    }
  }

  /** Makes values of 16 bits finite and of a size whose products stay finite too. */
  #tame(unit: number, place: RowHalves | undefined): void {
    const ats = this.#format.headerBytes > 0 ? [0] : [...Array(this.#format.unitBlocks).keys()];
    for (const block of place === undefined ? [] : ats) {
      for (let row = 0; row < 8; row++) {
        const at = unit * unitBytes(this.#format) + block * this.#format.blockBytes +
          (place?.at ?? 0) + 2 * row + 1;
        const high = this.bytes[at] ?? 0;
        this.bytes[at] = place?.type === "f16" ? high & 0xbf : (high & 0x83) | 0x3c;
      }
    }
  }

  /** Codes whose planes hold more than the format's largest code lose a bit. */
  #lower(unit: number, max: number): void {
    const { planes, headerBytes, unitBlocks, blockBytes } = this.#format;
    const most = planes.reduce((sum, { bits, shift }) => sum + (((1 << bits) - 1) << shift), 0);
    if (most <= max) return;
    const [plane] = planes;
    assert.ok(planes.length === 1 && plane?.bits === 8);
    const start = unit * unitBytes(this.#format) + headerBytes;
    for (let i = 0; i < unitBlocks * blockBytes; i++) {
      const within = i % blockBytes - plane.at;
      if (within >= 0 && within < 256) {
        this.bytes[start + i] = (this.bytes[start + i] ?? 0) % (max + 1);
      }
    }
  }

  product(row: number, _: Float32Array, { q, d }: Quantised): number {
    let total = 0;
    d.forEach((each, block) => {
      const { weights, scale, subscales, factor, multipliers } = this.#block(row, block);
      const sums = [0, 0];
      const plain = [0, 0];
      weights.forEach((weight, k) => {
        const activation = q[block * 32 + k] ?? NaN;
        sums[k >> 4] = (sums[k >> 4] ?? NaN) + weight * activation;
        plain[k >> 4] = (plain[k >> 4] ?? NaN) + activation;
      });
      total = fround(total + fround(fround(weigh(sums, subscales)) * fround(scale * each)));
      if (factor === undefined) return;
      total = fround(total + fround(fround(weigh(plain, multipliers)) * fround(factor * each)));
    });
    return total;
  }

  #block(row: number, block: number): Block {
    const { unitBlocks, headerBytes, blockBytes, scale, minimum } = this.#format;
    const perGroup = columns / (32 * unitBlocks);
    const unit = ((row >> 3) * perGroup + Math.floor(block / unitBlocks)) * unitBytes(this.#format);
    const at = unit + headerBytes + (block % unitBlocks) * blockBytes;
    const head = headerBytes > 0 ? unit : at;
    return {
      weights: Array.from({ length: 32 }, (_, k) => this.#weight(at, row & 7, k)),
      scale: this.#half(head, scale, row & 7),
      subscales: this.#integers(at, this.#format.subscale, row & 7),
      factor: minimum === undefined ? undefined : this.#half(head, minimum.factor, row & 7),
      multipliers: this.#integers(at, minimum?.multiplier, row & 7),
    };
  }

  #half(start: number, { type, at }: RowHalves, lane: number): number {
    const from = start + at + 2 * lane;
    const bits = (this.bytes[from] ?? 0) | ((this.bytes[from + 1] ?? 0) << 8);
    return type === "f16" ? float16(bits) : bfloat16(bits);
  }

  #integers(start: number, place: RowBytes | undefined, lane: number): number[] | undefined {
    if (place === undefined) return undefined;
    return [0, 8].slice(0, place.columns === 16 ? 2 : 1).map((more) => {
      const byte = this.bytes[start + place.at + more + lane] ?? 0;
      if (place.nibble !== undefined) return place.nibble === "low" ? byte & 15 : byte >> 4;
      return place.signed ? (byte << 24) >> 24 : byte;
    });
  }

  /** A byte of a word of two rows. */
  #twin(start: number, lane: number, column: number): number {
    const at = start + (this.#format.planes[0]?.at ?? 0) + 16 * (column >> 1);
    const byte = this.bytes[at + 4 * (lane & 3) + 2 * (column & 1) + (lane >> 2)] ?? 0;
    return lane < 4 ? byte - 128 : (byte << 24) >> 24;
  }

  #weight(start: number, lane: number, column: number): number {
    const { planes, codes } = this.#format;
    if (codes.as === "bytes" && this.#mode === "plain") return this.#twin(start, lane, column);
    const field = 2 * (column >> 2) + (lane >> 2);
    let code = 0;
    const within = 4 * (lane & 3) + (column & 3);
    for (const { bits, at, shift } of planes) {
      if (bits === 5 || bits === 6) {
        code = bits === 6
          ? this.#six(start + at + 48 * (field >> 2) + within, field & 3)
          : this.#five(start + at + 80 * (field >> 3) + within, field & 7);
        continue;
      }
      const perVector = 8 / bits;
      const vector = start + at + 16 * Math.floor(field / perVector);
      const byte = this.bytes[vector + within] ?? 0;
      code |= ((byte >> (bits * (field % perVector))) & ((1 << bits) - 1)) << shift;
    }
    if (codes.as === "small") return code - codes.offset;
    if (codes.as === "table") return codes.values[code] ?? NaN;
    return this.#mode.startsWith("unsigned") ? code - 128 : (code << 24) >> 24;
  }

  /** One of eight fields of 5 bits in five vectors. */
  #five(at: number, field: number): number {
    const [a = 0, b = 0, c = 0, d = 0, e = 0] = [0, 16, 32, 48, 64].map((more) =>
      this.bytes[at + more] ?? 0
    );
    return [
      a & 31,
      b & 31,
      (a >> 5) + 8 * ((b >> 5) & 3),
      c & 31,
      d & 31,
      (c >> 5) + 8 * ((d >> 5) & 3),
      e & 31,
      (e >> 5) + 8 * (b >> 7) + 16 * (d >> 7),
    ][field] ?? NaN;
  }

  /** One of four fields of 6 bits in three vectors. */
  #six(at: number, field: number): number {
    const bytes = [0, 16, 32].map((more) => this.bytes[at + more] ?? 0);
    if (field < 3) return (bytes[field] ?? 0) & 63;
    return bytes.reduce((code, byte, i) => code | ((byte >> 6) << (2 * i)), 0);
  }
}

function weigh(sums: readonly number[], by: readonly number[] | undefined): number {
  return sums.reduce((sum, each, i) => sum + each * (by?.[i] ?? by?.[0] ?? 1), 0);
}

/** A number of groups and positions. */
interface Case {
  readonly from: number;
  readonly to: number;
  readonly positions: number;
  readonly add: boolean;
}

const cases: readonly Case[] = Array.from({ length: positionsMax }, (_, i) => [
  { from: 0, to: groupCount, positions: i + 1, add: i % 2 === 1 },
  { from: 1, to: i === 0 ? groupCount - 1 : 2, positions: i + 1, add: i % 2 === 0 },
]).flat();

function check(kernels: Kernels, memory: WebAssembly.Memory, options: {
  readonly kind: number;
  readonly matrix: Packed;
  readonly what: string;
}): void {
  const { kind, matrix, what } = options;
  new Uint8Array(memory.buffer, weightsPtr, matrix.bytes.length).set(matrix.bytes);
  const inputs = Array.from({ length: positionsMax }, (_, t) => {
    const x = new Float32Array(memory.buffer, xPtr + t * xStride, columns);
    // One block of each position is zero, and one has a single large value.
    x.forEach((_, k) => x[k] = k >> 5 === t ? 0 : (random() / 2 ** 31 - 1) * (k === 40 ? 99 : 1));
    kernels.quantise(
      xPtr + t * xStride,
      bytesPtr + t * columns,
      wordsPtr + t * columns * 2,
      metaPtr + t * columns / 2,
      columns,
    );
    return { x, quantised: quantise(x) };
  });
  const expected = inputs.map(({ x, quantised }) =>
    Float32Array.from({ length: rows }, (_, row) => matrix.product(row, x, quantised))
  );
  assert.ok(expected.flatMap((each) => [...each]).every(Number.isFinite));
  for (const { from, to, positions, add } of cases) {
    const y = new Float32Array(memory.buffer, yPtr, positionsMax * yStride / 4).fill(0.5);
    kernels.multiply(
      kind,
      yPtr,
      yStride,
      weightsPtr,
      columns,
      from,
      to,
      positions,
      Number(add),
      xPtr,
      xStride,
      bytesPtr,
      wordsPtr,
      metaPtr,
    );
    y.forEach((value, i) => {
      const [t, row] = [Math.floor(i / (yStride / 4)), i % (yStride / 4)];
      const inside = t < positions && row >= from * 8 && row < to * 8;
      const product = expected[t]?.[row] ?? NaN;
      const right = inside ? (add ? fround(0.5 + product) : product) : 0.5;
      const where = `${what}, groups ${from} to ${to}, position ${t} of ${positions}, row ${row}`;
      if (!Object.is(value, right)) assert.fail(`${where}: ${value} instead of ${right}`);
    });
  }
}

for (const build of ["best", "plain"] satisfies Build[]) {
  const memory = new WebAssembly.Memory({ initial: 32, maximum: 65536, shared: true });
  const kernels = instantiateKernels(memory, build);
  const relaxed = kernels.relaxed() === 1;

  test(`products of F32, F16 and BF16 are the plain ones in the ${build} build`, () => {
    [0, 1, 2].forEach((kind) => {
      check(kernels, memory, { kind, matrix: plainMatrix(kind), what: `kind ${kind}` });
    });
  });

  for (const format of formats) {
    test(`products of ${format.name} are the plain ones in the ${build} build`, () => {
      kindModes(format).forEach((mode, i) => {
        const kind = format.kinds[i] ?? NaN;
        if (relaxed ? mode === "plain" && kindModes(format).length === 2 : mode === "relaxed") {
          return;
        }
        if ((mode === "unsigned" || mode === "signed") && (!relaxed || mode !== probeMode())) {
          return;
        }
        const matrix = new FormatMatrix(format, mode);
        for (const pairs of mode === "relaxed" ? [0, 1, -1] : [-1]) {
          kernels.choosePairs(pairs);
          check(kernels, memory, { kind, matrix, what: `${mode}, pairs ${pairs}` });
        }
      });
    });
  }
}
