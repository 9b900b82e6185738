/**
 * The tables that tell the program of a model and of a pass (wasm/executor/program_map.ts reads
 * them, in the same order).
 */
import type { Family, LayerMatrix, LayerNorm, ModelShape } from "../model/mod.ts";
import { isQuantised } from "./_kinds.ts";
import type { Kind } from "./_kinds.ts";
import type { Layout, PackedLayer, PackedMatrix, PackedNorm } from "./_layout.ts";
import { valueWidthOf } from "./_page_room.ts";
import { controlPtr } from "./_scratch.ts";
import type { Scratch } from "./_scratch.ts";
import type { KeyValueType } from "./numeric_class.ts";
import { ropeFrequencies } from "./rope.ts";

/** Where the tables are in the control block (wasm/executor/program.ts has the same). */
const modelPtr = controlPtr + 576;
const passPtr = controlPtr + 1024;
/** From a packing command's table to that of the next, which may be given while one runs. */
const repackStride = 64;

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

/** Families' choices, in the order of the program's numbers. */
const normPlaces: readonly Family["normPlaces"][] = ["before", "around", "after"];
const activations: readonly Family["activation"][] = ["silu", "gelu-tanh", "gelu-erf"];

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
  /** The first of them's position, where there are no runs. */
  readonly firstPosition?: number;
  /** Where the rows belong; none when no layer is run. */
  readonly runs?: readonly Run[];
  /** Local layers; none by default. */
  readonly fromLayer?: number;
  readonly toLayer?: number;
  /**
   * The first row that is wanted after the last of these layers, or `rows` for none; of others only
   * keys and values are computed there. @default 0
   */
  readonly lastLayerFrom?: number;
  readonly digests?: boolean;
  /** The rows whose logits are wanted. */
  readonly headRows?: readonly number[];
}

type TableName =
  | "ropes"
  | "embedding"
  | "positions"
  | "tokenTypes"
  | "embeddingNorm"
  | "head"
  | "headNorm"
  | "layers";

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
  readonly keyValueType: KeyValueType;
}

/** Writes the model's table; once, when the weights are there. */
export function writeModel(home: ProgramHome): void {
  const { shape, layout, memory } = home;
  const { family } = shape;
  const at = writeTables(home);
  const model = new Writer(memory, modelPtr);
  const { width, headCount, kvHeadCount, headWidth, ropeWidth } = shape;
  model.words(width, headCount, kvHeadCount, headWidth, valueWidthOf(headWidth), ropeWidth);
  model.float(shape.normEpsilon);
  model.words(shape.vocabularySize, layout.layerPageBytes);
  model.words(Number(family.norm === "layer"), normPlaces.indexOf(family.normPlaces));
  model.words(activations.indexOf(family.activation), Number(family.ropePairs === "halves"));
  model.float(family.attentionScale);
  model.float(family.attentionCap);
  model.float(family.logitCap);
  model.float(family.embeddingScale);
  model.words(Number(home.keyValueType === "f16"));
  model.words(at.layers, at.embedding, at.positions, at.tokenTypes, at.embeddingNorm);
  model.words(at.head, at.headNorm, at.ropes, family.ropes.length);
  writeScratch(model, layout.scratch);
}

function writeScratch(model: Writer, scratch: Scratch): void {
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

/** Writes the tables that the model's refers to; returns where each is. */
function writeTables(
  { shape, layout, memory, firstLayer }: ProgramHome,
): Record<TableName, number> {
  const tables = new Writer(memory, layout.tablesPtr);
  const { family } = shape;
  const at = (write: () => void): number => {
    const { ptr } = tables;
    write();
    return ptr;
  };
  return {
    ropes: at(() =>
      layout.ropes.forEach(({ ptr }, i) => {
        tables.double(family.ropes[i]?.magnitude ?? NaN);
        tables.words(ptr, 0);
      })
    ),
    embedding: at(() => tables.matrix(layout.embedding)),
    positions: at(() => tables.matrix(layout.positions)),
    tokenTypes: at(() => tables.matrix(layout.tokenTypes)),
    embeddingNorm: at(() => tables.norm(layout.embeddingNorm)),
    head: at(() => tables.matrix(layout.headMatrix)),
    headNorm: at(() => tables.norm(layout.headNorm)),
    layers: at(() =>
      layout.layers.forEach((layer, i) =>
        tables.layer(layer, family.layers[firstLayer + i] ?? { window: 0, rope: 0 })
      )
    ),
  };
}

/** Computes the tables of frequencies, from the factors that were loaded. @throws {EngineError} */
export function writeFrequencies({ shape, layout, memory }: ProgramHome): void {
  layout.ropes.forEach(({ factors, ptr }, i) => {
    const rope = shape.family.ropes[i];
    if (rope === undefined) return;
    const values = factors === undefined
      ? undefined
      : new Float32Array(memory.buffer, factors.ptr, factors.length);
    const table = ropeFrequencies(rope, { ropeWidth: shape.ropeWidth, factors: values });
    new Float64Array(memory.buffer, ptr, table.length).set(table);
  });
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

/** Writes the table of a command that packs rows; `number` is the command's. */
export function writeRepack(
  memory: WebAssembly.Memory,
  { kind, dst, src, columns, rows, groupBytes, rowBytes, number }: RepackPlan & { number: number },
): void {
  new Writer(memory, passPtr).words(operation.repack); // as it is already when one runs
  const table = new Writer(memory, passPtr + (number % 2) * repackStride);
  table.words(operation.repack, kind, dst, src, columns, rows, groupBytes, rowBytes);
}

/** Writes the table of one pass. */
export function writePass({ shape, layout, memory }: ProgramHome, plan: PassPlan): void {
  const { scratch } = layout;
  const { tokens, runs = [], headRows = [], firstPosition: first = 0 } = plan;
  const rows = new Writer(memory, scratch.rowsPtr);
  const table = new Writer(memory, scratch.runsPtr);
  if (runs.length === 0) tokens?.forEach((token, i) => rows.words(token, first + i, 0));
  let row = 0;
  runs.forEach(({ firstPosition, positionCount, pagePtrs }, run) => {
    const pages = scratch.tablesPtr + run * scratch.tableStride;
    new Writer(memory, pages).words(...pagePtrs);
    const visibleMax = shape.family.causal ? 0 : firstPosition + positionCount;
    table.words(row, positionCount, firstPosition, pages, visibleMax);
    for (let i = 0; i < positionCount; i++, row++) {
      rows.words(tokens?.[row] ?? 0, firstPosition + i, pages);
    }
  });
  new Writer(memory, scratch.headRowsPtr).words(...headRows);
  new Writer(memory, passPtr).words(
    operation.pass,
    plan.rows,
    Number(tokens !== undefined),
    plan.fromLayer ?? 0,
    plan.toLayer ?? 0,
    plan.lastLayerFrom ?? 0,
    Number(plan.digests ?? false),
    headRows.length,
    scratch.headRowsPtr,
    scratch.rowsPtr,
    scratch.runsPtr,
    runs.length,
  );
}
