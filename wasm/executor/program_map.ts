/**
 * What the host tells the program: tables in memory (src/engine/_program.ts writes them in this
 * order, a word per field).
 */

/** A packed matrix; `kind` is -1 when the model has none. */
@unmanaged
export class Matrix {
  kind: i32;
  quantised: i32;
  ptr: usize;
  rows: i32;
  columns: i32;
  groupBytes: u32;
  /** f32 values to add, or 0. */
  bias: usize;
}

/** Weights of a norm, and its bias or 0; both 0 when the model has none. */
@unmanaged
export class Norm {
  weight: usize;
  bias: usize;
}

const MATRIX_BYTES: usize = 28;
const NORM_BYTES: usize = 8;

export const ATTN_Q: usize = 0;
export const ATTN_K: usize = 1;
export const ATTN_V: usize = 2;
export const ATTN_OUTPUT: usize = 3;
export const FFN_GATE: usize = 4;
export const FFN_UP: usize = 5;
export const FFN_DOWN: usize = 6;
const MATRIX_COUNT: usize = 7;

export const ATTN_NORM: usize = 0;
export const ATTN_Q_NORM: usize = 1;
export const ATTN_K_NORM: usize = 2;
export const POST_ATTENTION_NORM: usize = 3;
export const FFN_NORM: usize = 4;
export const POST_FFW_NORM: usize = 5;
export const ATTN_OUTPUT_NORM: usize = 6;
export const LAYER_OUTPUT_NORM: usize = 7;
const NORM_COUNT: usize = 8;

const WINDOW: usize = MATRIX_COUNT * MATRIX_BYTES + NORM_COUNT * NORM_BYTES;
const ROPE: usize = WINDOW + 4;
const LAYER_BYTES: usize = ROPE + 4;

/** Where norms stand (`Family.normPlaces`). */
export const BEFORE: i32 = 0;
export const AROUND: i32 = 1;
export const AFTER: i32 = 2;

/** The model. */
@unmanaged
export class Model {
  width: i32;
  heads: i32;
  kvHeads: i32;
  headWidth: i32;
  valueWidth: i32;
  ropeWidth: i32;
  epsilon: f32;
  vocabulary: i32;
  layerPageBytes: u32;
  // The family's choices.
  layerNorms: i32;
  normPlaces: i32;
  activation: i32;
  ropeHalves: i32;
  attentionScale: f32;
  attentionCap: f32;
  logitCap: f32;
  embeddingScale: f32;
  /** Whether pages hold f16. */
  half: i32;
  // Tables.
  layers: usize;
  embedding: usize;
  positions: usize;
  tokenTypes: usize;
  embeddingNorm: usize;
  head: usize;
  headNorm: usize;
  /** `Rope`s. */
  ropes: usize;
  ropeCount: i32;
  // Scratch: rows, and bytes from one to the next.
  x: usize;
  a: usize;
  xStride: usize;
  q: usize;
  out: usize;
  qStride: usize;
  k: usize;
  v: usize;
  kvStride: usize;
  g: usize;
  u: usize;
  ffnStride: usize;
  bytes: usize;
  words: usize;
  meta: usize;
  /** Columns of the longest activation. */
  longest: usize;
  pairs: usize;
  pairsStride: usize;
  // For each thread.
  scores: usize;
  scoresStride: usize;
  digestWork: usize;
  digestWorkStride: usize;
  // Results.
  digests: usize;
  logits: usize;
  logitsStride: usize;
}

/** What a command does: its table begins with one of these. */
export const PASS: i32 = 0;
export const REPACK: i32 = 1;

/** Rows of a file that are to be packed (repack.ts). */
@unmanaged
export class Repack {
  operation: i32;
  kind: i32;
  dst: usize;
  src: usize;
  columns: i32;
  rows: i32;
  groupBytes: usize;
  rowBytes: usize;
}

/** A pass of rows. */
@unmanaged
export class Pass {
  operation: i32;
  rows: i32;
  /** Whether rows begin as embeddings of tokens. */
  embeds: i32;
  /** Local layers. */
  fromLayer: i32;
  toLayer: i32;
  /** Rows before it need only their keys and values of the last of these layers. */
  lastLayerFrom: i32;
  digests: i32;
  headCount: i32;
  /** i32 for each row of logits: the row it is of. */
  headRows: usize;
  /** `Row`s. */
  table: usize;
  /** `Run`s. */
  runs: usize;
  runCount: i32;
}

/** One row. */
@unmanaged
export class Row {
  token: i32;
  position: i32;
  /** u32 page addresses of the session. */
  pages: usize;
}

/** Consecutive rows and positions of one session. */
@unmanaged
export class Run {
  firstRow: i32;
  rows: i32;
  firstPosition: i32;
  pages: usize;
  /** Rows see all positions below it; 0 when they see themselves and those before. */
  visibleMax: i32;
}

/** Frequencies of a rotation, f64. */
@unmanaged
export class Rope {
  magnitude: f64;
  frequencies: usize;
  unused: i32;
}

const ROW_BYTES: usize = 12;
const RUN_BYTES: usize = 20;
const ROPE_BYTES: usize = 16;

// @ts-ignore: decorator

@inline
export function layerAt(model: Model, index: i32): usize {
  return model.layers + <usize> index * LAYER_BYTES;
}

// @ts-ignore: decorator

@inline
export function matrixOf(layer: usize, index: usize): Matrix {
  return changetype<Matrix>(layer + index * MATRIX_BYTES);
}

// @ts-ignore: decorator

@inline
export function normOf(layer: usize, index: usize): Norm {
  return changetype<Norm>(layer + MATRIX_COUNT * MATRIX_BYTES + index * NORM_BYTES);
}

// @ts-ignore: decorator

@inline
export function windowOf(layer: usize): i32 {
  return load<i32>(layer + WINDOW);
}

// @ts-ignore: decorator

@inline
export function ropeOf(layer: usize): i32 {
  return load<i32>(layer + ROPE);
}

// @ts-ignore: decorator

@inline
export function rowAt(pass: Pass, index: i32): Row {
  return changetype<Row>(pass.table + <usize> index * ROW_BYTES);
}

// @ts-ignore: decorator

@inline
export function runAt(pass: Pass, index: i32): Run {
  return changetype<Run>(pass.runs + <usize> index * RUN_BYTES);
}

// @ts-ignore: decorator

@inline
export function ropeAt(model: Model, index: i32): Rope {
  return changetype<Rope>(model.ropes + <usize> index * ROPE_BYTES);
}
