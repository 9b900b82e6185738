/**
 * Steps that the parts of the program share: the input of products, and products, which are cut into
 * tasks of some groups of 8 rows.
 *
 * With one row, what a product needs first (norm, quantised activations) is computed by every
 * thread for itself, which is cheaper than a barrier.
 */
import { barrier, claim, me, threads } from "./barrier";
import { add } from "./elementwise";
import { layerNorm, norm } from "./norm";
import { multiply } from "./products.gen";
import { Matrix, Model, Norm, Pass } from "./program_map";
import { quantise } from "./quantise";

/** Tasks of a product for each thread, where it has so many groups. */
const TASKS: i32 = 16;

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

/** Makes rows at `x` the input of products, from row `from` on: normed where there is a norm,
 * quantised if asked. */
export function prepare(
  x: usize,
  stride: usize,
  columns: i32,
  norm: Norm,
  quantised: bool,
  from: i32,
): void {
  const normed = norm.weight != 0;
  if (pass.rows == 1) {
    prepareOne(x, columns, norm, quantised);
    return;
  }
  if (normed) setInput(model.a, model.xStride, 0);
  else setInput(x, stride, 0);
  if (!normed && !quantised) return;
  for (let row = from + claim(); row < pass.rows; row = from + claim()) {
    prepareRow(row, x + <usize> row * stride, columns, norm, quantised);
  }
  barrier();
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

/** Says where the input of products is: row 0 at `x`, quantised from element `at` on. */
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

/** How many tasks a product has. */
export function tasksOf(matrix: Matrix): i32 {
  const each = groupsOfTask(matrix);
  return (groupsOf(matrix) + each - 1) / each;
}

/** The first row of the matrix that a task is for. */
export function firstRowOf(matrix: Matrix, task: i32): i32 {
  return (task * groupsOfTask(matrix)) << 3;
}

/** For how many rows of the matrix it is, counting those that fill the last group. */
export function rowCountOf(matrix: Matrix, task: i32): i32 {
  const each = groupsOfTask(matrix);
  return min<i32>(each, groupsOf(matrix) - task * each) << 3;
}

/** A task of a product of all rows from `from` on, and of its bias. */
export function product(matrix: Matrix, task: i32, y: usize, yStride: usize, from: i32): void {
  multiplyTask(matrix, task, y, yStride, from, pass.rows, false);
  if (matrix.bias == 0) return;
  const first = <usize> firstRowOf(matrix, task) << 2;
  const count = rowCountOf(matrix, task);
  for (let row = from; row < pass.rows; row++) {
    add(y + <usize> row * yStride + first, matrix.bias + first, count);
  }
}

/** A task of a product of rows `from` to `to`. */
export function multiplyTask(
  matrix: Matrix,
  task: i32,
  y: usize,
  yStride: usize,
  from: i32,
  to: i32,
  adds: bool,
): void {
  const group = firstRowOf(matrix, task) >> 3;
  const at = <usize> from * <usize> matrix.columns;
  multiply(
    matrix.kind,
    y + <usize> from * yStride,
    yStride,
    matrix.ptr,
    matrix.columns,
    group,
    group + (rowCountOf(matrix, task) >> 3),
    to - from,
    adds,
    inX + <usize> from * inStride,
    inStride,
    inBytes + at,
    inWords + (at << 1),
    inMeta + (at >> 1),
  );
}

function groupsOf(matrix: Matrix): i32 {
  return (matrix.rows + 7) >> 3;
}

/** Fours, as kernels take them; one thread does all at once. */
function groupsOfTask(matrix: Matrix): i32 {
  const groups = groupsOf(matrix);
  return threads == 1 ? groups : max<i32>(4, (groups / (threads * TASKS) + 3) & ~3);
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
