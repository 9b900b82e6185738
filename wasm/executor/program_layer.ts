/**
 * One layer (section 5), whatever its family.
 */
import { activate } from "./activation";
import { attend } from "./attention";
import { BAD_KEY_VALUE, barrier, claim, me, noteBad, threads } from "./barrier";
import { add } from "./elementwise";
import { storeHeads } from "./keys_values";
import { headNorms } from "./norm";
import {
  AFTER,
  AROUND,
  ATTN_K,
  ATTN_K_NORM,
  ATTN_NORM,
  ATTN_OUTPUT,
  ATTN_OUTPUT_NORM,
  ATTN_Q,
  ATTN_Q_NORM,
  ATTN_V,
  BEFORE,
  FFN_DOWN,
  FFN_GATE,
  FFN_NORM,
  FFN_UP,
  LAYER_OUTPUT_NORM,
  Matrix,
  matrixOf,
  Norm,
  normOf,
  POST_ATTENTION_NORM,
  POST_FFW_NORM,
  ropeOf,
  rowAt,
  Run,
  runAt,
  windowOf,
} from "./program_map";
import {
  firstRowOf,
  model,
  multiplyTask,
  normRow,
  pairsAt,
  pass,
  prepare,
  product,
  rowCountOf,
  tasksOf,
  xAt,
} from "./program_steps";
import { rotate } from "./rotation";

/** Rows that one task of attention takes where heads don't divide by the threads. */
const TASK_ROWS: i32 = 16;

/** Steps 1 to 3; only keys and values of rows before `from`. */
export function attention(layer: usize, index: i32, from: i32): void {
  const q = matrixOf(layer, ATTN_Q), k = matrixOf(layer, ATTN_K), v = matrixOf(layer, ATTN_V);
  const quantised = (q.quantised | k.quantised | v.quantised) != 0;
  prepare(model.x, model.xStride, model.width, normOf(layer, ATTN_NORM), quantised, 0);
  const toK = tasksOf(q), toV = toK + tasksOf(k), all = toV + tasksOf(v);
  for (let task = claim(); task < all; task = claim()) {
    if (task < toK) product(q, task, model.q, model.qStride, from);
    else if (task < toV) product(k, task - toK, model.k, model.kvStride, 0);
    else product(v, task - toV, model.v, model.kvStride, 0);
  }
  barrier();
  attendShare(layer, index, from);
  barrier();
  const output = matrixOf(layer, ATTN_OUTPUT);
  prepare(model.out, model.qStride, output.columns, noNorm(layer), output.quantised != 0, from);
  const after = model.normPlaces == AROUND ? POST_ATTENTION_NORM : ATTN_OUTPUT_NORM;
  sum(output, normOf(layer, after), from);
}

/** Step 4, for rows from `from` on. */
export function feedForward(layer: usize, from: i32): void {
  const gate = matrixOf(layer, FFN_GATE), up = matrixOf(layer, FFN_UP);
  const gated = gate.kind >= 0;
  const quantised = ((gated ? gate.quantised : 0) | up.quantised) != 0;
  prepare(model.x, model.xStride, model.width, normOf(layer, FFN_NORM), quantised, from);
  for (let task = claim(), all = tasksOf(up); task < all; task = claim()) {
    if (gated) product(gate, task, model.g, model.ffnStride, from); // of as many rows as `up`
    product(up, task, gated ? model.u : model.g, model.ffnStride, from);
    const first = <usize> firstRowOf(up, task) << 2;
    const count = rowCountOf(up, task);
    for (let row = from; row < pass.rows; row++) {
      const at = <usize> row * model.ffnStride + first;
      activate(model.activation, model.g + at, gated ? model.u + at : 0, count);
    }
  }
  barrier();
  const down = matrixOf(layer, FFN_DOWN);
  prepare(model.g, model.ffnStride, down.columns, noNorm(layer), down.quantised != 0, from);
  const after = model.normPlaces == AROUND ? POST_FFW_NORM : LAYER_OUTPUT_NORM;
  sum(down, normOf(layer, after), from);
}

/** h and the product of a half of the layer, normed where the family norms them. */
function sum(matrix: Matrix, after: Norm, from: i32): void {
  const atOnce = model.normPlaces == BEFORE && matrix.bias == 0;
  for (let task = claim(), all = tasksOf(matrix); task < all; task = claim()) {
    if (atOnce) multiplyTask(matrix, task, model.x, model.xStride, from, pass.rows, true);
    else product(matrix, task, model.a, model.xStride, from);
    if (atOnce || model.normPlaces == AROUND) continue;
    const first = <usize> firstRowOf(matrix, task) << 2;
    const count = rowCountOf(matrix, task);
    for (let row = from; row < pass.rows; row++) {
      const at = <usize> row * model.xStride + first;
      add(model.x + at, model.a + at, count);
    }
  }
  barrier();
  if (model.normPlaces == AROUND) {
    for (let row = from + me; row < pass.rows; row += threads) {
      const a = model.a + <usize> row * model.xStride;
      normRow(a, after, a);
      add(xAt(row), a, model.width);
    }
    barrier();
  }
  if (model.normPlaces != AFTER) return;
  for (let row = from + me; row < pass.rows; row += threads) normRow(xAt(row), after, xAt(row));
  barrier();
}

/**
 * Attention is shared by key heads: a thread places the keys and values that it reads. Where heads
 * don't divide by the threads, rows are placed first, and heads and rows shared after a barrier.
 */
function attendShare(layer: usize, index: i32, fromRow: i32): void {
  const heads = model.kvHeads;
  if (heads % threads == 0) {
    const from = heads * me / threads, to = heads * (me + 1) / threads;
    for (let row = 0; row < pass.rows; row++) place(layer, index, row, from, to, row >= fromRow);
    for (let run = 0; run < pass.runCount; run++) {
      const at = runAt(pass, run);
      const row = max<i32>(0, fromRow - at.firstRow);
      if (row < at.rows) attendRows(layer, index, at, row, at.rows - row, from, to);
    }
    return;
  }
  for (let row = me; row < pass.rows; row += threads) {
    place(layer, index, row, 0, heads, row >= fromRow);
  }
  barrier();
  let task = 0;
  for (let run = 0; run < pass.runCount; run++) {
    const at = runAt(pass, run);
    for (let row = max<i32>(0, fromRow - at.firstRow); row < at.rows; row += TASK_ROWS) {
      const rows = min<i32>(TASK_ROWS, at.rows - row);
      for (let head = 0; head < heads; head++, task++) {
        if (task % threads == me) attendRows(layer, index, at, row, rows, head, head + 1);
      }
    }
  }
}

/** Norms and rotates some key heads of a row and its queries of them, if `asks`; stores keys and values. */
function place(layer: usize, index: i32, row: i32, from: i32, to: i32, asks: bool): void {
  const ofQueries = normOf(layer, ATTN_Q_NORM).weight, ofKeys = normOf(layer, ATTN_K_NORM).weight;
  const width = model.headWidth, count = to - from;
  const group = model.heads / model.kvHeads;
  const first = <usize> (from * width) << 2;
  const query = model.q + <usize> row * model.qStride + first * <usize> group;
  const key = model.k + <usize> row * model.kvStride + first;
  if (asks && ofQueries != 0) headNorms(query, ofQueries, count * group, width, model.epsilon);
  if (ofKeys != 0) headNorms(key, ofKeys, count, width, model.epsilon);
  if (model.ropeCount > 0) {
    const pairs = pairsAt(row, ropeOf(layer));
    if (asks) rotate(query, pairs, count * group, width, model.ropeWidth, model.ropeHalves);
    rotate(key, pairs, count, width, model.ropeWidth, model.ropeHalves);
  }
  const at = rowAt(pass, row);
  const shift = model.half ? 6 : 7;
  const keys = <usize> load<u32>(at.pages + (<usize> (at.position >> 5) << 2)) +
    <usize> index * <usize> model.layerPageBytes;
  const values = keys + (<usize> (model.kvHeads * width) << shift);
  const stored = storeHeads(
    keys + (<usize> (from * width) << shift),
    values + (<usize> (from * model.valueWidth) << shift),
    at.position & 31,
    key,
    model.v + <usize> row * model.kvStride + first,
    count,
    width,
    model.valueWidth,
    model.half,
  );
  if (!stored) noteBad(BAD_KEY_VALUE + index + 1);
}

function attendRows(
  layer: usize,
  index: i32,
  run: Run,
  row: i32,
  rows: i32,
  fromHead: i32,
  toHead: i32,
): void {
  const at = <usize> (run.firstRow + row) * model.qStride;
  attend(
    model.q + at,
    model.out + at,
    model.qStride,
    run.pages,
    <usize> index * <usize> model.layerPageBytes,
    run.firstPosition + row,
    rows,
    run.visibleMax,
    windowOf(layer),
    fromHead,
    toHead,
    model.heads,
    model.kvHeads,
    model.headWidth,
    model.valueWidth,
    model.attentionScale,
    model.attentionCap,
    model.half,
    model.scores + <usize> me * model.scoresStride,
  );
}

/** A norm that the family has not: one of another place than its own. */
// @ts-ignore: decorator

@inline
function noNorm(layer: usize): Norm {
  return normOf(layer, model.normPlaces == AFTER ? ATTN_NORM : LAYER_OUTPUT_NORM);
}
