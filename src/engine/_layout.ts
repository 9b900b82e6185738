/**
 * The memory map of an executor: one WebAssembly memory of at most 4 GiB.
 *
 *     0          kernels' own scratch (wasm/executor/constants.ts), first 4 KiB
 *     4096       scratch of a pass; while loading, the staging area lies over it
 *     ...        weights: norm vectors and packed matrices
 *     pagesPtr   KV pages, grown on demand up to `pageCountMax`
 *
 * Every region starts at a multiple of 64 bytes.
 */
import type { ByteSource, GgufFile, ModelShape } from "../model/mod.ts";
import { fileRowBytes, groupBytes, type KernelChoice, type Kind, kindOf } from "./_kinds.ts";
import {
  findMatrix,
  findVector,
  headTensor,
  layerMatrices,
  layerNorms,
  layerTensor,
  type MatrixType,
} from "./_tensors.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange } from "./face.ts";
import { tilePositions } from "./numeric_class.ts";

/** Positions that pass through a layer together. */
export const chunkRowsMax = 64;

/** Rows of logits computed together. */
export const headRowsMax = 8;

/** Blocks of tokens that are digested together, and the longest of one. */
export const tokenBlocksMax = 64;
/** Tokens of the longest block: one chunk of BLAKE3. */
export const blockTokensMax = 256;

/** Bytes read from the source at a time, unless 8 rows are longer. */
export const stagingBytesMin = 2 ** 20;

/** Bytes of one memory of wasm32. */
export const memoryBytesMax = 2 ** 32;

const firstPtr = 4096;
const digestWorkspaceBytes = 0x1600;
const alignment = 64;

/** A packed matrix. */
export interface PackedMatrix {
  readonly name: string;
  readonly type: MatrixType;
  readonly kind: Kind;
  readonly ptr: number;
  readonly rows: number;
  readonly columns: number;
  readonly groupBytes: number;
}

/** A norm vector, as f32. */
export interface PackedVector {
  readonly name: string;
  readonly ptr: number;
  readonly length: number;
}

/** Where a pass keeps its rows; strides are bytes from a position to the next. */
export interface Scratch {
  readonly xPtr: number;
  readonly aPtr: number;
  readonly xStride: number;
  readonly qPtr: number;
  readonly outPtr: number;
  readonly qStride: number;
  readonly kPtr: number;
  readonly vPtr: number;
  readonly kvStride: number;
  readonly gPtr: number;
  readonly uPtr: number;
  readonly ffnStride: number;
  readonly bytesPtr: number;
  readonly wordsPtr: number;
  readonly metaPtr: number;
  readonly pairsPtr: number;
  readonly pairsStride: number;
  readonly scoresPtr: number;
  readonly tablePtr: number;
  readonly logitsPtr: number;
  readonly logitsStride: number;
  /** Workspace of wasm/executor/digest.ts. */
  readonly digestPtr: number;
  /** 64 digests. */
  readonly digestsPtr: number;
  /** A seed, and behind it blocks of tokens. */
  readonly tokensPtr: number;
}

/** One layer's weights. */
export interface PackedLayer {
  readonly matrices: Readonly<Record<(typeof layerMatrices)[number], PackedMatrix>>;
  readonly norms: Readonly<Record<(typeof layerNorms)[number], PackedVector>>;
}

/** The whole map. */
export interface Layout {
  readonly scratch: Scratch;
  readonly stagingPtr: number;
  readonly stagingBytes: number;
  readonly layers: readonly PackedLayer[];
  readonly embedding: PackedMatrix | undefined;
  readonly headNorm: PackedVector | undefined;
  readonly headMatrix: PackedMatrix | undefined;
  readonly pagesPtr: number;
  readonly pageBytes: number;
  /** Bytes of one layer within a page. */
  readonly layerPageBytes: number;
  readonly pageCountMax: number;
}

/** What to plan for. */
export interface LayoutOptions {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
  readonly contextMax: number;
  readonly layers: LayerRange;
  readonly embedding: boolean;
  readonly head: boolean;
  readonly kvBytesMax: number | undefined;
  readonly choice: KernelChoice;
}

/**
 * Draws the map.
 *
 * @throws {EngineError} "no-memory" with the bytes needed and the bytes that fit, or what
 *   `findMatrix` and `findVector` throw
 * @throws {RangeError} when `kvBytesMax` does not hold one page
 */
export function drawLayout(options: LayoutOptions): Layout {
  const { file, shape } = options;
  const pen = new Pen();
  const scratch = drawScratch(pen, options);
  const weights: (PackedMatrix | PackedVector)[] = [];
  const place = <T extends PackedMatrix | PackedVector>(make: (ptr: number) => T): T => {
    const placed = make(pen.ptr);
    pen.skip(packedBytes(placed));
    weights.push(placed);
    return placed;
  };
  const matrix = (name: string): PackedMatrix => place((ptr) => packMatrix(options, name, ptr));
  const vector = (name: string): PackedVector => place((ptr) => packVector(file, name, ptr));
  const stagingBytes = largestStaging(options);
  pen.skip(Math.max(0, firstPtr + stagingBytes - pen.ptr));
  const layers: PackedLayer[] = [];
  for (let layer = options.layers.from; layer < options.layers.to; layer++) {
    layers.push({
      matrices: record(layerMatrices, (part) => matrix(layerTensor(layer, part))),
      norms: record(layerNorms, (part) => vector(layerTensor(layer, part))),
    });
  }
  const embedding = options.embedding ? matrix("token_embd.weight") : undefined;
  const headNorm = options.head ? vector("output_norm.weight") : undefined;
  const tied = shape.tiedOutput ? embedding : undefined;
  const headMatrix = options.head ? tied ?? matrix(headTensor(shape.tiedOutput)) : undefined;
  return {
    scratch,
    stagingPtr: firstPtr,
    stagingBytes,
    layers,
    embedding,
    headNorm,
    headMatrix,
    ...drawPages(pen.ptr, options),
  };
}

/** Width of a value row in a page: the head's, rounded up to a SIMD vector. */
export function valueWidthOf(headWidth: number): number {
  return roundUp(headWidth, 4);
}

class Pen {
  ptr = firstPtr;

  /** Returns the current place and moves on by `bytes`, aligned. */
  skip(bytes: number): number {
    const at = this.ptr;
    this.ptr = roundUp(at + bytes, alignment);
    return at;
  }
}

function drawScratch(pen: Pen, { shape, contextMax, head }: LayoutOptions): Scratch {
  const { width, ffnWidth, headCount, kvHeadCount, headWidth, ropeWidth } = shape;
  const queryWidth = headCount * headWidth;
  const longest = roundUp(Math.max(width, ffnWidth, queryWidth), 32);
  const xStride = roundUp(width, 8) * 4;
  const qStride = roundUp(queryWidth, 8) * 4;
  const kvStride = roundUp(kvHeadCount * headWidth, 8) * 4;
  const ffnStride = roundUp(ffnWidth, 8) * 4;
  const logitsStride = head ? roundUp(shape.vocabularySize, 8) * 4 : 0;
  const rows = (stride: number): number => pen.skip(chunkRowsMax * stride);
  return {
    xPtr: rows(xStride),
    aPtr: rows(xStride),
    xStride,
    qPtr: rows(qStride),
    outPtr: rows(qStride),
    qStride,
    kPtr: rows(kvStride),
    vPtr: rows(kvStride),
    kvStride,
    gPtr: rows(ffnStride),
    uPtr: rows(ffnStride),
    ffnStride,
    bytesPtr: rows(longest),
    wordsPtr: rows(longest * 2),
    metaPtr: rows(longest / 2),
    pairsPtr: rows(ropeWidth * 4),
    pairsStride: ropeWidth * 4,
    scoresPtr: pen.skip(roundUp(contextMax, tilePositions) * 4),
    tablePtr: pen.skip(Math.ceil(contextMax / tilePositions) * 4),
    logitsPtr: pen.skip(headRowsMax * logitsStride),
    logitsStride,
    digestPtr: pen.skip(digestWorkspaceBytes + Math.ceil(xStride / 1024) * 128),
    digestsPtr: pen.skip(chunkRowsMax * 32),
    tokensPtr: pen.skip(32 + tokenBlocksMax * blockTokensMax * 4),
  };
}

function drawPages(
  pagesPtr: number,
  { file, shape, layers, contextMax, kvBytesMax }: LayoutOptions,
): Pick<Layout, "pagesPtr" | "pageBytes" | "layerPageBytes" | "pageCountMax"> {
  const { kvHeadCount, headWidth } = shape;
  const elements = kvHeadCount * (headWidth + valueWidthOf(headWidth));
  const layerPageBytes = elements * tilePositions * 4;
  const pageBytes = roundUp(layerPageBytes * (layers.to - layers.from), alignment);
  const contextPages = Math.ceil(contextMax / tilePositions);
  const free = memoryBytesMax - 2 ** 16 - pagesPtr; // the last 64 KiB stay unused
  const least = kvBytesMax === undefined ? contextPages * pageBytes : kvBytesMax;
  if (least > free) {
    throw new EngineError({
      code: "no-memory",
      message: `Cannot load "${file.name}" as one WebAssembly memory holds ${
        memoryBytesMax - 2 ** 16
      } bytes: weights and scratch need ${pagesPtr}, keys and values of ${
        kvBytesMax === undefined ? `${contextMax} positions` : "kvBytesMax"
      } ${least}, in all ${pagesPtr + least}`,
    });
  }
  const wanted = kvBytesMax ?? Math.min(free, 4 * contextPages * pageBytes);
  const pageCountMax = Math.floor(wanted / pageBytes);
  if (!Number.isSafeInteger(wanted) || pageCountMax < 1) {
    throw new RangeError(
      `Cannot load the model as "kvBytesMax" must be an integer of at least ${pageBytes} (one page): current value is ${wanted}`,
    );
  }
  return { pagesPtr, pageBytes, layerPageBytes, pageCountMax };
}

function packMatrix(
  { file, choice }: LayoutOptions,
  name: string,
  ptr: number,
): PackedMatrix {
  const { type, shape } = findMatrix(file, name);
  const [columns = 0, rows = 1] = shape;
  const kind = kindOf(type, choice);
  return { name, type, kind, ptr, rows, columns, groupBytes: groupBytes(kind, columns) };
}

function packVector(file: GgufFile, name: string, ptr: number): PackedVector {
  return { name, ptr, length: findVector(file, name).shape[0] ?? 0 };
}

function packedBytes(weight: PackedMatrix | PackedVector): number {
  return "length" in weight ? weight.length * 4 : Math.ceil(weight.rows / 8) * weight.groupBytes;
}

/** The staging area holds 8 rows of the widest matrix, or a vector and its packed group. */
function largestStaging({ file, shape, layers }: LayoutOptions): number {
  let most = Math.max(stagingBytesMin, shape.width * 36);
  const names = [headTensor(shape.tiedOutput), "token_embd.weight"];
  for (let layer = layers.from; layer < layers.to; layer++) {
    names.push(...layerMatrices.map((part) => layerTensor(layer, part)));
  }
  for (const name of names) {
    const { type, shape: [columns = 0] } = findMatrix(file, name);
    most = Math.max(most, 8 * fileRowBytes(type, columns));
  }
  return roundUp(most, alignment);
}

function record<K extends string, V>(keys: readonly K[], make: (key: K) => V): Record<K, V> {
  return Object.fromEntries(keys.map((key) => [key, make(key)])) as Record<K, V>;
}

function roundUp(value: number, step: number): number {
  return Math.ceil(value / step) * step;
}
