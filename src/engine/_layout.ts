/**
 * The memory map of an executor: one WebAssembly memory of at most 4 GiB.
 *
 *     0          kernels' own scratch (wasm/executor/constants.ts), first 4 KiB
 *     4096       control words, then scratch of a pass (_scratch.ts); while loading, the staging
 *                area lies over its rows
 *     ...        weights: norm vectors and packed matrices
 *     pagesPtr   up to `pageCountMax` KV pages
 *
 * Every region starts at a multiple of 64 bytes.
 */
import type {
  ByteSource,
  GgufFile,
  LayerMatrix,
  LayerNorm,
  MatrixPlace,
  ModelShape,
  NormPlace,
  Rope,
} from "../model/mod.ts";
import {
  embeddingNormPlace,
  headMatrixTensor,
  headNormPlace,
  layerMatricesOf,
  layerNormsOf,
  matrixPlace,
  normPlace,
} from "../model/mod.ts";
import { fileRowBytes, groupBytes, kindOf } from "./_kinds.ts";
import type { KernelChoice, Kind } from "./_kinds.ts";
import { planPages } from "./_page_room.ts";
import type { PageRoom } from "./_page_room.ts";
import { controlPtr, drawScratch, Pen, roundUp } from "./_scratch.ts";
import type { Scratch } from "./_scratch.ts";
import { findMatrix, findVector, matrixTypes } from "./_tensors.ts";
import type { MatrixType } from "./_tensors.ts";
import type { LayerRange } from "./face.ts";
import type { KeyValueType } from "./numeric_class.ts";

/** Bytes of the staging area, of which half is read at a time, unless 8 rows are longer. */
export const stagingBytesMin = 2 ** 23;

const alignment = 64;

/** A packed matrix: rows `firstRow` on of a tensor. */
export interface PackedMatrix {
  readonly name: string;
  /** Where the tensor's bytes begin in the file. */
  readonly tensorOffset: number;
  readonly firstRow: number;
  readonly type: MatrixType;
  readonly kind: Kind;
  readonly ptr: number;
  readonly rows: number;
  readonly columns: number;
  readonly groupBytes: number;
  /** What is added to its products. */
  readonly bias: PackedVector | undefined;
}

/** A norm's weights or a bias, as f32: elements `first` on of a tensor. */
export interface PackedVector {
  readonly name: string;
  readonly tensorOffset: number;
  readonly type: MatrixType;
  readonly first: number;
  readonly ptr: number;
  readonly length: number;
}

/** A norm. */
export interface PackedNorm {
  readonly weight: PackedVector;
  readonly bias: PackedVector | undefined;
}

/** A table of rotary frequencies, f64. */
export interface PackedRope {
  readonly factors: PackedVector | undefined;
  readonly ptr: number;
}

/** One layer's weights. */
export interface PackedLayer {
  readonly matrices: ReadonlyMap<LayerMatrix, PackedMatrix>;
  readonly norms: ReadonlyMap<LayerNorm, PackedNorm>;
}

/** The whole map. */
export interface Layout extends PageRoom {
  readonly scratch: Scratch;
  readonly stagingPtr: number;
  readonly stagingBytes: number;
  readonly layers: readonly PackedLayer[];
  readonly embedding: PackedMatrix | undefined;
  /** Learned positions and token types. */
  readonly positions: PackedMatrix | undefined;
  readonly tokenTypes: PackedMatrix | undefined;
  readonly embeddingNorm: PackedNorm | undefined;
  /** Of each table of frequencies: by what they are divided, and where they are put. */
  readonly ropes: readonly PackedRope[];
  readonly headNorm: PackedNorm | undefined;
  readonly headMatrix: PackedMatrix | undefined;
  /** All of them, in the order in which they lie in memory. */
  readonly weights: readonly (PackedMatrix | PackedVector)[];
  /** The program's tables (_program.ts). */
  readonly tablesPtr: number;
  readonly pagesPtr: number;
}

/** What to plan for. */
export interface LayoutOptions {
  readonly file: GgufFile;
  readonly source: ByteSource;
  readonly shape: ModelShape;
  /** Undefined when nobody asked for a number. */
  readonly contextAsked: number | undefined;
  readonly contextMax: number;
  /** Bytes of one WebAssembly memory. */
  readonly partBytesMax: number;
  /** Bytes that the machine has; undefined when that is not known. */
  readonly availableBytes: number | undefined;
  readonly layers: LayerRange;
  readonly embedding: boolean;
  readonly head: boolean;
  readonly kvBytesMax: number | undefined;
  readonly choice: KernelChoice;
  readonly threads: number;
  readonly scoresBytes: number;
  readonly keyValueType: KeyValueType;
}

/** Bytes of the program's tables for a layer, and for the rest of the model; with room to spare. */
const layerTableBytes = 512;
const modelTableBytes = 512;

/**
 * Draws the map.
 *
 * @throws {EngineError} or {RangeError}: what `planPages`, `findMatrix` and `findVector` throw
 */
export function drawLayout(options: LayoutOptions): Layout {
  const { shape, layers } = options;
  const pen = new Pen(controlPtr);
  const scratch = drawScratch(pen, options);
  const stagingPtr = scratch.xPtr;
  const stagingBytes = largestStaging(options);
  pen.skip(Math.max(0, stagingPtr + stagingBytes - pen.ptr));
  const tablesPtr = pen.skip(modelTableBytes + (layers.to - layers.from) * layerTableBytes);
  const packer = new Packer(options, pen);
  const layersPtr = pen.ptr;
  const indices = Array.from({ length: layers.to - layers.from }, (_, i) => layers.from + i);
  const packed = indices.map((layer) => packer.layer(layer));
  const layersBytes = pen.ptr - layersPtr;
  const embedding = options.embedding
    ? packer.table("token_embd.weight", shape.vocabularySize)
    : undefined;
  const { positionRows, tokenTypeRows } = shape.family;
  const table = (name: string, rows: number): PackedMatrix | undefined =>
    options.embedding && rows > 0 ? packer.table(name, rows) : undefined;
  const positions = table("position_embd.weight", positionRows);
  const tokenTypes = table("token_types.weight", tokenTypeRows);
  const embeddingNorm = options.embedding ? packer.norm(embeddingNormPlace(shape)) : undefined;
  const ropes = shape.family.ropes.map((rope) => packer.rope(rope));
  const headNorm = options.head ? packer.norm(headNormPlace(shape)) : undefined;
  const tied = shape.tiedOutput ? embedding : undefined;
  const headTensor = options.head ? headMatrixTensor(shape) : undefined;
  const headMatrix = headTensor === undefined
    ? undefined
    : tied ?? packer.table(headTensor, shape.vocabularySize);
  return {
    scratch,
    stagingPtr,
    stagingBytes,
    layers: packed,
    embedding,
    positions,
    tokenTypes,
    embeddingNorm,
    ropes,
    headNorm,
    headMatrix,
    weights: packer.weights,
    tablesPtr,
    pagesPtr: pen.ptr,
    ...planPages({ ...options, name: options.file.name, fixedBytes: pen.ptr, layersBytes }),
  };
}

/** Gives weights their places. */
class Packer {
  readonly weights: (PackedMatrix | PackedVector)[] = [];
  readonly #options: LayoutOptions;
  readonly #pen: Pen;

  constructor(options: LayoutOptions, pen: Pen) {
    this.#options = options;
    this.#pen = pen;
  }

  layer(layer: number): PackedLayer {
    const { shape } = this.#options;
    const matrices = layerMatricesOf(shape).map((name) =>
      [name, this.matrix(matrixPlace(shape, layer, name))] as const
    );
    const norms = layerNormsOf(shape).map((name) =>
      [name, this.norm(normPlace(shape, layer, name))] as const
    );
    return {
      matrices: new Map(matrices),
      norms: new Map(norms.flatMap(([name, norm]) => norm === undefined ? [] : [[name, norm]])),
    };
  }

  /** A whole tensor of `rowCount` rows. */
  table(tensor: string, rowCount: number): PackedMatrix {
    const columnCount = this.#options.shape.width;
    return this.matrix({ tensor, firstRow: 0, rowCount, columnCount, bias: undefined });
  }

  matrix(place: MatrixPlace): PackedMatrix {
    const { file, choice } = this.#options;
    const { tensor: name, firstRow, rowCount: rows, columnCount: columns } = place;
    const { type, offset: tensorOffset } = findMatrix(file, name);
    const kind = kindOf(type, choice);
    const bytes = groupBytes(kind, columns);
    const bias = place.bias === undefined ? undefined : this.#vector(place.bias, firstRow, rows);
    const ptr = this.#pen.skip(Math.ceil(rows / 8) * bytes);
    return this.#note({
      name,
      tensorOffset,
      firstRow,
      type,
      kind,
      ptr,
      rows,
      columns,
      groupBytes: bytes,
      bias,
    });
  }

  norm(place: NormPlace | undefined): PackedNorm | undefined {
    if (place === undefined) return undefined;
    const { weight, bias, length } = place;
    return {
      weight: this.#vector(weight, 0, length),
      bias: bias === undefined ? undefined : this.#vector(bias, 0, length),
    };
  }

  rope({ factorsTensor }: Rope): PackedRope {
    const { ropeWidth } = this.#options.shape;
    const factors = factorsTensor === undefined
      ? undefined
      : this.#vector(factorsTensor, 0, ropeWidth / 2);
    return { factors, ptr: this.#pen.skip(ropeWidth * 4) };
  }

  #vector(name: string, first: number, length: number): PackedVector {
    const { offset: tensorOffset, type } = findVector(this.#options.file, name);
    const ptr = this.#pen.skip(roundUp(length, 8) * 4);
    return this.#note({ name, tensorOffset, type: type as MatrixType, first, ptr, length });
  }

  #note<T extends PackedMatrix | PackedVector>(weight: T): T {
    this.weights.push(weight);
    return weight;
  }
}

/** Half of the staging area holds 8 rows of the widest matrix; all of it a vector, also packed. */
function largestStaging({ file, shape }: LayoutOptions): number {
  let most = Math.max(stagingBytesMin, shape.width * 36, shape.ffnWidth * 36);
  for (const { type, shape: [columns = 0] } of file.tensors.values()) {
    const known = matrixTypes.find((each) => each === type);
    if (known !== undefined) most = Math.max(most, 16 * fileRowBytes(known, columns));
  }
  return roundUp(most, 2 * alignment);
}
