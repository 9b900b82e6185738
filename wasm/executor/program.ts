/**
 * The executor's program: every thread runs it over the same memory, and does its share of each
 * step; a barrier stands between steps of which one reads what others write.
 *
 * Products are shared by groups of 8 rows of the matrix, attention and everything else by rows of
 * the pass. With one row, what a product needs first (norm, quantised activations) is computed by
 * every thread for itself, which is cheaper than a barrier. By the numeric class (section 8) no
 * share shows in a result.
 */
import { gate } from "./activation";
import { attendRow } from "./attend_row";
import { awaitCommand, BAD_HEAD, barrier, halted, me, noteBad, share, threads } from "./barrier";
import { dequantiseRow } from "./dequantise";
import { digestRows } from "./digest";
import { allFinite } from "./elementwise";
import { storeKeyValue } from "./keys_values";
import { norm } from "./norm";
import {
  ATTN_K,
  ATTN_NORM,
  ATTN_OUTPUT,
  ATTN_Q,
  ATTN_V,
  FFN_DOWN,
  FFN_GATE,
  FFN_NORM,
  FFN_UP,
  layerAt,
  Matrix,
  matrixOf,
  Model,
  Norm,
  normOf,
  Pass,
  REPACK,
  Repack,
  ropeOf,
  rowAt,
} from "./program_map";
import { multiply } from "./products.gen";
import { quantise } from "./quantise";
import { repack } from "./repack";
import { rotate, rotationOfBase } from "./rotation";

/** Where the tables are, from `control` on; src/engine/_threads.ts has the same. */
const MODEL: usize = 576;
const COMMAND: usize = 1024;

let model: Model = changetype<Model>(0);
let pass: Pass = changetype<Pass>(0);

// The activations that the next products read; `prepare` sets them.
let inX: usize = 0;
let inStride: usize = 0;
let inBytes: usize = 0;
let inWords: usize = 0;
let inMeta: usize = 0;

/** Waits for a command and runs it; 0 when the thread is to end. Called again and again. */
export function run(control: usize, thread: i32): i32 {
  if (!awaitCommand(control, thread)) return 0;
  model = changetype<Model>(control + MODEL);
  pass = changetype<Pass>(control + COMMAND);
  if (pass.operation == REPACK) packShare(changetype<Repack>(control + COMMAND));
  else runPass();
  barrier();
  return 1;
}

function runPass(): void {
  if (pass.embeds) embed();
  rotations();
  if (pass.embeds) barrier();
  for (let layer = pass.fromLayer; layer < pass.toLayer && !halted(); layer++) {
    const at = layerAt(model, layer);
    attention(at, layer);
    feedForward(at);
    check(layer);
  }
  if (pass.digests) digest();
  if (pass.headCount > 0) {
    barrier();
    if (!halted()) head();
  }
}

/** Packs this thread's share of the rows. */
function packShare(plan: Repack): void {
  const groups = (plan.rows + 7) >> 3;
  const from = share(groups, me, 1), to = share(groups, me + 1, 1);
  if (from == to) return;
  const bad = repack(
    plan.kind,
    plan.dst + <usize> from * plan.groupBytes,
    plan.src + (<usize> from << 3) * plan.rowBytes,
    plan.columns,
    min<i32>(plan.rows, to << 3) - (from << 3),
  );
  if (bad > 0) noteBad(1);
}

function embed(): void {
  const matrix = changetype<Matrix>(model.embedding);
  for (let row = me; row < pass.rows; row += threads) {
    const token = rowAt(pass, row).token;
    const group = matrix.ptr + <usize> (<u32> token >> 3) * <usize> matrix.groupBytes;
    dequantiseRow(matrix.kind, xAt(row), group, token & 7, model.width);
  }
}

/** Pairs of the rows' positions; they are read after a barrier. */
function rotations(): void {
  for (let row = me; row < pass.rows; row += threads) {
    const position = rowAt(pass, row).position;
    for (let rope = 0; rope < model.ropeCount; rope++) {
      const base = load<f64>(model.ropes + (<usize> rope << 3));
      rotationOfBase(pairsAt(row, rope), position, model.ropeWidth, base);
    }
  }
}

function attention(layer: usize, index: i32): void {
  const q = matrixOf(layer, ATTN_Q), k = matrixOf(layer, ATTN_K), v = matrixOf(layer, ATTN_V);
  const quantised = (q.quantised | k.quantised | v.quantised) != 0;
  prepare(model.x, model.xStride, model.width, normOf(layer, ATTN_NORM), quantised);
  product(q, model.q, model.qStride, false);
  product(k, model.k, model.kvStride, false);
  product(v, model.v, model.kvStride, false);
  barrier();
  place(layer, index);
  attendRows(index);
  barrier();
  const output = matrixOf(layer, ATTN_OUTPUT);
  prepare(model.out, model.qStride, output.columns, none(), output.quantised != 0);
  product(output, model.x, model.xStride, true);
  barrier();
}

/** Rotates queries and keys of this thread's rows, and stores keys and values in their pages. */
function place(layer: usize, index: i32): void {
  const rope = ropeOf(layer);
  for (let row = me; row < pass.rows; row += threads) {
    const at = rowAt(pass, row);
    const pairs = pairsAt(row, rope);
    const key = model.k + <usize> row * model.kvStride;
    rotate(model.q + <usize> row * model.qStride, pairs, model.heads, model.headWidth, model.ropeWidth, 0);
    rotate(key, pairs, model.kvHeads, model.headWidth, model.ropeWidth, 0);
    const page = load<u32>(at.pages + (<usize> (at.position >> 5) << 2));
    storeKeyValue(
      <usize> page + <usize> index * <usize> model.layerPageBytes,
      at.position & 31,
      key,
      model.v + <usize> row * model.kvStride,
      model.kvHeads,
      model.headWidth,
      model.valueWidth,
      0,
    );
  }
  if (pass.rows > 1) barrier();
}

function attendRows(index: i32): void {
  for (let row = me; row < pass.rows; row += threads) {
    const at = rowAt(pass, row);
    attendRow(
      model.q + <usize> row * model.qStride,
      model.out + <usize> row * model.qStride,
      at.pages,
      <usize> index * <usize> model.layerPageBytes,
      at.position + 1,
      model.heads,
      model.kvHeads,
      model.headWidth,
      model.valueWidth,
      model.attentionScale,
      model.scores + <usize> me * model.scoresStride,
    );
  }
}

function feedForward(layer: usize): void {
  const gates = matrixOf(layer, FFN_GATE), up = matrixOf(layer, FFN_UP);
  const quantised = (gates.quantised | up.quantised) != 0;
  prepare(model.x, model.xStride, model.width, normOf(layer, FFN_NORM), quantised);
  product(gates, model.g, model.ffnStride, false);
  product(up, model.u, model.ffnStride, false);
  const groups = (up.rows + 7) >> 3;
  const from = share(groups, me, 4), to = share(groups, me + 1, 4);
  for (let row = 0; row < pass.rows; row++) {
    const at = <usize> row * model.ffnStride + (<usize> from << 5);
    gate(model.g + at, model.u + at, (to - from) << 3);
  }
  barrier();
  const down = matrixOf(layer, FFN_DOWN);
  prepare(model.g, model.ffnStride, down.columns, none(), down.quantised != 0);
  product(down, model.x, model.xStride, true);
  barrier();
}

function check(layer: i32): void {
  for (let row = me; row < pass.rows; row += threads) {
    if (!allFinite(xAt(row), model.width)) noteBad(layer + 1);
  }
}

function digest(): void {
  const bytes = model.width << 2;
  const work = model.digestWork + <usize> me * model.digestWorkStride;
  for (let row = me << 2; row < pass.rows; row += threads << 2) {
    const rows = min<i32>(4, pass.rows - row);
    digestRows(xAt(row), model.xStride, rows, bytes, work, model.digests + (<usize> row << 5));
  }
}

function head(): void {
  const matrix = changetype<Matrix>(model.head);
  const norm = changetype<Norm>(model.headNorm);
  const rows = pass.headCount;
  if (rows == 1) {
    const from = xAt(load<i32>(pass.headRows));
    prepareOne(from, model.width, norm, matrix.quantised != 0);
  } else {
    const inA = model.a;
    for (let row = me; row < rows; row += threads) {
      const from = xAt(load<i32>(pass.headRows + (<usize> row << 2)));
      prepareRow(row, from, model.width, norm, matrix.quantised != 0);
    }
    setInput(inA, model.xStride, 0);
    barrier();
  }
  multiplyShare(matrix, model.logits, model.logitsStride, rows, false);
  const groups = (matrix.rows + 7) >> 3;
  const first = share(groups, me, 4) << 3;
  const count = min<i32>(share(groups, me + 1, 4) << 3, matrix.rows) - first;
  for (let row = 0; row < rows; row++) {
    const at = model.logits + <usize> row * model.logitsStride + (<usize> first << 2);
    if (count > 0 && !allFinite(at, count)) noteBad(BAD_HEAD);
  }
}

/** Makes rows at `x` the input of products: normed where there is a norm, quantised if asked. */
function prepare(x: usize, stride: usize, columns: i32, norm: Norm, quantised: bool): void {
  const normed = changetype<usize>(norm) != 0;
  if (pass.rows == 1) {
    prepareOne(x, columns, norm, quantised);
    return;
  }
  for (let row = me; row < pass.rows; row += threads) {
    prepareRow(row, x + <usize> row * stride, columns, norm, quantised);
  }
  if (normed) setInput(model.a, model.xStride, 0);
  else setInput(x, stride, 0);
  if (normed || quantised) barrier();
}

/** The same for one row, in this thread's own place. */
function prepareOne(x: usize, columns: i32, norm: Norm, quantised: bool): void {
  setInput(x, 0, <usize> me * model.longest);
  if (changetype<usize>(norm) != 0) {
    inX = model.a + <usize> me * model.xStride;
    normRow(x, norm, inX);
  }
  if (quantised) quantise(inX, inBytes, inWords, inMeta, columns);
}

function prepareRow(row: i32, x: usize, columns: i32, norm: Norm, quantised: bool): void {
  if (changetype<usize>(norm) != 0) {
    const a = model.a + <usize> row * model.xStride;
    normRow(x, norm, a);
    x = a;
  }
  const at = <usize> row * <usize> columns;
  if (quantised) quantise(x, model.bytes + at, model.words + (at << 1), model.meta + (at >> 1), columns);
}

function setInput(x: usize, stride: usize, at: usize): void {
  inX = x;
  inStride = stride;
  inBytes = model.bytes + at;
  inWords = model.words + (at << 1);
  inMeta = model.meta + (at >> 1);
}

function normRow(x: usize, weights: Norm, y: usize): void {
  norm(x, weights.weight, y, model.width, model.epsilon);
}

/** This thread's share of a product of all rows. */
function product(matrix: Matrix, y: usize, yStride: usize, add: bool): void {
  multiplyShare(matrix, y, yStride, pass.rows, add);
}

function multiplyShare(matrix: Matrix, y: usize, yStride: usize, rows: i32, add: bool): void {
  const groups = (matrix.rows + 7) >> 3;
  const from = share(groups, me, 4), to = share(groups, me + 1, 4);
  if (from == to) return;
  multiply(
    matrix.kind,
    y,
    yStride,
    matrix.ptr,
    matrix.columns,
    from,
    to,
    rows,
    add,
    inX,
    inStride,
    inBytes,
    inWords,
    inMeta,
  );
}

// @ts-ignore: decorator

@inline
function none(): Norm {
  return changetype<Norm>(0);
}

// @ts-ignore: decorator

@inline
function xAt(row: i32): usize {
  return model.x + <usize> row * model.xStride;
}

// @ts-ignore: decorator

@inline
function pairsAt(row: i32, rope: i32): usize {
  return model.pairs + <usize> (row * model.ropeCount + rope) * model.pairsStride;
}
