/**
 * The tables that tell the program of a model and of a pass (wasm/executor/program_map.ts reads
 * them, in the same order).
 */
import type { LayerMatrix, LayerNorm, ModelShape } from "../model/mod.ts";
import { isQuantised, type Kind } from "./_kinds.ts";
import {
  type Layout,
  type PackedLayer,
  type PackedMatrix,
  type PackedNorm,
  valueWidthOf,
} from "./_layout.ts";
import { controlPtr } from "./_scratch.ts";

/** Where the tables are in the control block (wasm/executor/program.ts has the same). */
const modelPtr = controlPtr + 576;
const passPtr = controlPtr + 1024;

/** What a command does. */
const operation = { pass: 0, repack: 1 } as const;

const matrixOrder: readonly LayerMatrix[] = [
  "attn_q",
  "attn_k",
  "attn_v",
  "attn_output",
  "ffn_gate",
  "ffn_up",
  "ffn_down",
];

const normOrder: readonly LayerNorm[] = [
  "attn_norm",
  "attn_q_norm",
  "attn_k_norm",
  "post_attention_norm",
  "ffn_norm",
  "post_ffw_norm",
  "attn_output_norm",
  "layer_output_norm",
];

/** A run of consecutive positions of one session within a pass. */
export interface Run {
  readonly firstPosition: number;
  readonly positionCount: number;
  /** Page addresses of positions 0 to the run's last. */
  readonly pagePtrs: readonly number[];
}

/** One command of the program. */
export interface PassPlan {
  /** How many rows lie in the scratch, or are embedded. */
  readonly rows: number;
  /** Tokens to embed, one a row; without them the rows' hidden states lie in the scratch. */
  readonly tokens?: Uint32Array;
  /** Where the rows belong; none when no layer is run. */
  readonly runs?: readonly Run[];
  /** Local layers; none by default. */
  readonly fromLayer?: number;
  readonly toLayer?: number;
  readonly digests?: boolean;
  /** The rows whose logits are wanted. */
  readonly headRows?: readonly number[];
}

/** Writes words one after the other. */
class Writer {
  #ptr: number;
  readonly #view: DataView;

  constructor(memory: WebAssembly.Memory, ptr: number) {
    this.#view = new DataView(memory.buffer);
    this.#ptr = ptr;
  }

  words(...values: readonly number[]): void {
    for (const value of values) {
      this.#view.setInt32(this.#ptr, value, true);
      this.#ptr += 4;
    }
  }

  float(value: number): void {
    this.#view.setFloat32(this.#ptr, value, true);
    this.#ptr += 4;
  }

  double(value: number): void {
    this.#view.setFloat64(this.#ptr, value, true);
    this.#ptr += 8;
  }

  matrix(matrix: PackedMatrix | undefined): void {
    if (matrix === undefined) return this.words(-1, 0, 0, 0, 0, 0, 0);
    const { kind, ptr, rows, columns, groupBytes, bias } = matrix;
    this.words(kind, Number(isQuantised(kind)), ptr, rows, columns, groupBytes, bias?.ptr ?? 0);
  }

  norm(norm: PackedNorm | undefined): void {
    this.words(norm?.weight.ptr ?? 0, norm?.bias?.ptr ?? 0);
  }

  layer(layer: PackedLayer, traits: { readonly window: number; readonly rope: number }): void {
    for (const name of matrixOrder) this.matrix(layer.matrices.get(name));
    for (const name of normOrder) this.norm(layer.norms.get(name));
    this.words(traits.window, traits.rope);
  }

  get ptr(): number {
    return this.#ptr;
  }
}

/** What the tables are written for. */
export interface ProgramHome {
  readonly shape: ModelShape;
  readonly layout: Layout;
  readonly memory: WebAssembly.Memory;
  /** The first layer that is held. */
  readonly firstLayer: number;
}

/** Writes the model's table; once. */
export function writeModel(home: ProgramHome): void {
  const { shape, layout, memory, firstLayer } = home;
  const { scratch } = layout;
  const { family } = shape;
  const tables = new Writer(memory, layout.tablesPtr);
  const ropesPtr = tables.ptr;
  for (const rope of family.ropes) tables.double(rope.base);
  const embeddingPtr = tables.ptr;
  tables.matrix(layout.embedding);
  const headPtr = tables.ptr;
  tables.matrix(layout.headMatrix);
  const headNormPtr = tables.ptr;
  tables.norm(layout.headNorm);
  const layersPtr = tables.ptr;
  layout.layers.forEach((layer, i) =>
    tables.layer(layer, family.layers[firstLayer + i] ?? { window: 0, rope: 0 })
  );
  const model = new Writer(memory, modelPtr);
  const { width, headCount, kvHeadCount, headWidth, ropeWidth } = shape;
  model.words(width, headCount, kvHeadCount, headWidth, valueWidthOf(headWidth), ropeWidth);
  model.float(shape.normEpsilon);
  model.float(family.attentionScale);
  model.words(shape.vocabularySize, layout.layerPageBytes);
  model.words(layersPtr, embeddingPtr, headPtr, headNormPtr, ropesPtr, family.ropes.length);
  model.words(scratch.xPtr, scratch.aPtr, scratch.xStride);
  model.words(scratch.qPtr, scratch.outPtr, scratch.qStride);
  model.words(scratch.kPtr, scratch.vPtr, scratch.kvStride);
  model.words(scratch.gPtr, scratch.uPtr, scratch.ffnStride);
  model.words(scratch.bytesPtr, scratch.wordsPtr, scratch.metaPtr, scratch.longest);
  model.words(scratch.pairsPtr, scratch.pairsStride);
  model.words(scratch.scoresPtr, scratch.scoresStride);
  model.words(scratch.digestPtr, scratch.digestStride, scratch.digestsPtr);
  model.words(scratch.logitsPtr, scratch.logitsStride);
}

/** Rows of a file that are to be packed. */
export interface RepackPlan {
  readonly kind: Kind;
  readonly dst: number;
  readonly src: number;
  readonly columns: number;
  readonly rows: number;
  readonly groupBytes: number;
  /** Bytes of a row at `src`. */
  readonly rowBytes: number;
}

/** Writes the table of a command that packs rows. */
export function writeRepack(memory: WebAssembly.Memory, plan: RepackPlan): void {
  const { kind, dst, src, columns, rows, groupBytes, rowBytes } = plan;
  const table = new Writer(memory, passPtr);
  table.words(operation.repack, kind, dst, src, columns, rows, groupBytes, rowBytes);
}

/** Writes the table of one pass. */
export function writePass({ layout, memory }: ProgramHome, plan: PassPlan): void {
  const { scratch } = layout;
  const { tokens, runs = [], headRows = [] } = plan;
  const table = new Writer(memory, scratch.rowsPtr);
  if (runs.length === 0) tokens?.forEach((token) => table.words(token, 0, 0));
  let row = 0;
  runs.forEach(({ firstPosition, positionCount, pagePtrs }, run) => {
    const pages = scratch.tablesPtr + run * scratch.tableStride;
    new Writer(memory, pages).words(...pagePtrs);
    for (let i = 0; i < positionCount; i++) {
      table.words(tokens?.[row++] ?? 0, firstPosition + i, pages);
    }
  });
  new Writer(memory, scratch.headRowsPtr).words(...headRows);
  new Writer(memory, passPtr).words(
    operation.pass,
    plan.rows,
    Number(tokens !== undefined),
    plan.fromLayer ?? 0,
    plan.toLayer ?? 0,
    Number(plan.digests ?? false),
    headRows.length,
    scratch.headRowsPtr,
    scratch.rowsPtr,
  );
}
