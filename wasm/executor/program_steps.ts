/**
 * Steps that the parts of the program share: the input of products, and products.
 *
 * With one row, what a product needs first (norm, quantised activations) is computed by every
 * thread for itself, which is cheaper than a barrier.
 */
import { barrier, me, share, threads } from "./barrier";
import { add } from "./elementwise";
import { layerNorm, norm } from "./norm";
import { multiply } from "./products.gen";
import { Matrix, Model, Norm, Pass } from "./program_map";
import { quantise } from "./quantise";

export let model: Model = changetype<Model>(0);
export let pass: Pass = changetype<Pass>(0);

// The activations that the next products read; `prepare` sets them.
let inX: usize = 0;
let inStride: usize = 0;
let inBytes: usize = 0;
let inWords: usize = 0;
let inMeta: usize = 0;

/** Says what is computed from now on. */
export function setTables(ofModel: Model, ofPass: Pass): void {
  model = ofModel;
  pass = ofPass;
}

/** Makes rows at `x` the input of products: normed where there is a norm, quantised if asked. */
export function prepare(x: usize, stride: usize, columns: i32, norm: Norm, quantised: bool): void {
  const normed = norm.weight != 0;
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
export function prepareOne(x: usize, columns: i32, norm: Norm, quantised: bool): void {
  setInput(x, 0, <usize> me * model.longest);
  if (norm.weight != 0) {
    inX = model.a + <usize> me * model.xStride;
    normRow(x, norm, inX);
  }
  if (quantised) quantise(inX, inBytes, inWords, inMeta, columns);
}

/** The same for a row that all threads will read. */
export function prepareRow(row: i32, x: usize, columns: i32, norm: Norm, quantised: bool): void {
  if (norm.weight != 0) {
    const a = model.a + <usize> row * model.xStride;
    normRow(x, norm, a);
    x = a;
  }
  const at = <usize> row * <usize> columns;
  if (quantised) {
    quantise(x, model.bytes + at, model.words + (at << 1), model.meta + (at >> 1), columns);
  }
}

/** Says where the input of products is: rows at `x`, quantised ones from element `at` on. */
export function setInput(x: usize, stride: usize, at: usize): void {
  inX = x;
  inStride = stride;
  inBytes = model.bytes + at;
  inWords = model.words + (at << 1);
  inMeta = model.meta + (at >> 1);
}

/** A norm over the width of the hidden state; `y` may be `x`. */
export function normRow(x: usize, weights: Norm, y: usize): void {
  if (model.layerNorms) {
    layerNorm(x, weights.weight, weights.bias, y, model.width, model.epsilon);
  } else norm(x, weights.weight, y, model.width, model.epsilon);
}

/** This thread's share of a product of all rows, and of its bias. */
export function product(matrix: Matrix, y: usize, yStride: usize): void {
  multiplyShare(matrix, y, yStride, pass.rows, false);
  if (matrix.bias == 0) return;
  const first = <usize> firstGroup(matrix) << 5;
  const count = groupCount(matrix) << 3;
  for (let row = 0; row < pass.rows; row++) {
    add(y + <usize> row * yStride + first, matrix.bias + first, count);
  }
}

/** This thread's share of a product of `rows` rows. */
export function multiplyShare(matrix: Matrix, y: usize, yStride: usize, rows: i32, adds: bool): void {
  const from = firstGroup(matrix), count = groupCount(matrix);
  if (count == 0) return;
  multiply(
    matrix.kind,
    y,
    yStride,
    matrix.ptr,
    matrix.columns,
    from,
    from + count,
    rows,
    adds,
    inX,
    inStride,
    inBytes,
    inWords,
    inMeta,
  );
}

/** The first group of 8 rows of this thread's share. */
export function firstGroup(matrix: Matrix): i32 {
  return share((matrix.rows + 7) >> 3, me, 4);
}

/** How many groups its share has. */
export function groupCount(matrix: Matrix): i32 {
  return share((matrix.rows + 7) >> 3, me + 1, 4) - firstGroup(matrix);
}

// @ts-ignore: decorator

@inline
export function xAt(row: i32): usize {
  return model.x + <usize> row * model.xStride;
}

// @ts-ignore: decorator

@inline
export function pairsAt(row: i32, rope: i32): usize {
  return model.pairs + <usize> (row * model.ropeCount + rope) * model.pairsStride;
}
