/**
 * The executor's program: every thread runs it over the same memory, and does its share of each
 * step; a barrier stands between steps of which one reads what others write.
 *
 * Products are shared by groups of 8 rows of the matrix, attention by heads, everything else by rows
 * of the pass. A thread claims a product's tasks one after the other. By the numeric class (section 8)
 * no share shows in a result.
 */
import { awaitCommand, BAD_HEAD, barrier, claim, halted, me, noteBad, seen, threads } from "./barrier";
import { dequantiseRow } from "./dequantise";
import { digestRows } from "./digest";
import { add, allFinite, cap, scale } from "./elementwise";
import { attention, feedForward } from "./program_layer";
import { layerAt, Matrix, Model, Norm, Pass, REPACK, Repack, ropeAt, rowAt } from "./program_map";
import {
  firstRowOf,
  model,
  multiplyTask,
  normRow,
  pairsAt,
  pass,
  prepareOne,
  prepareRow,
  rowCountOf,
  setInput,
  setTables,
  tasksOf,
  xAt,
} from "./program_steps";
import { repack } from "./repack";
import { rotation } from "./rotation";

/** Where the tables are, from `control` on; src/engine/_program.ts has the same. */
const MODEL: usize = 576;
const COMMAND: usize = 1024;
/** Bytes from a packing command's table to the next one's, which may be given while one runs. */
const REPACK_STRIDE: usize = 64;

/** Tasks of a command that packs, for each thread. */
const PACK_TASKS: i32 = 8;

/** Waits for a command and runs it; 0 when the thread is to end. Called again and again. */
export function run(control: usize, thread: i32): i32 {
  if (!awaitCommand(control, thread)) return 0;
  setTables(changetype<Model>(control + MODEL), changetype<Pass>(control + COMMAND));
  if (pass.operation == REPACK) packTasks(changetype<Repack>(control + COMMAND + <usize> (seen & 1) * REPACK_STRIDE));
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
    const from = layer + 1 == pass.toLayer ? pass.lastLayerFrom : 0;
    attention(at, layer, from);
    feedForward(at, from);
    check(layer, from);
  }
  if (pass.digests) digest();
  if (pass.headCount > 0) {
    barrier();
    if (!halted()) head();
  }
}

/** Packs rows, a task at a time. */
function packTasks(plan: Repack): void {
  const groups = (plan.rows + 7) >> 3;
  const each = max<i32>(1, groups / (threads * PACK_TASKS));
  for (let from = claim() * each; from < groups; from = claim() * each) {
    const to = min<i32>(groups, from + each);
    const bad = repack(
      plan.kind,
      plan.dst + <usize> from * plan.groupBytes,
      plan.src + (<usize> from << 3) * plan.rowBytes,
      plan.columns,
      min<i32>(plan.rows, to << 3) - (from << 3),
    );
    if (bad > 0) noteBad(seen);
  }
}

/** Section 5.5. */
function embed(): void {
  const positions = changetype<Matrix>(model.positions);
  const tokenTypes = changetype<Matrix>(model.tokenTypes);
  const after = changetype<Norm>(model.embeddingNorm);
  for (let row = me; row < pass.rows; row += threads) {
    const at = rowAt(pass, row);
    const x = xAt(row), other = model.a + <usize> row * model.xStride;
    tableRow(changetype<Matrix>(model.embedding), at.token, x);
    if (model.embeddingScale != 1) scale(x, model.embeddingScale, model.width);
    if (tokenTypes.kind >= 0) {
      tableRow(tokenTypes, 0, other);
      add(x, other, model.width);
    }
    if (positions.kind >= 0) {
      tableRow(positions, at.position, other);
      add(x, other, model.width);
    }
    if (after.weight != 0) normRow(x, after, x);
  }
}

function tableRow(matrix: Matrix, row: i32, out: usize): void {
  const group = matrix.ptr + <usize> (<u32> row >> 3) * <usize> matrix.groupBytes;
  dequantiseRow(matrix.kind, out, group, row & 7, model.width);
}

/** Pairs of the rows' positions; they are read after a barrier. */
function rotations(): void {
  for (let row = me; row < pass.rows; row += threads) {
    const position = rowAt(pass, row).position;
    for (let index = 0; index < model.ropeCount; index++) {
      const rope = ropeAt(model, index);
      const pairs = pairsAt(row, index);
      rotation(pairs, position, rope.frequencies, rope.magnitude, model.ropeWidth);
    }
  }
}

function check(layer: i32, from: i32): void {
  for (let row = from + me; row < pass.rows; row += threads) {
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
  const quantised = matrix.quantised != 0;
  const rows = pass.headCount;
  if (rows == 1) prepareOne(xAt(load<i32>(pass.headRows)), model.width, norm, quantised);
  else {
    for (let row = me; row < rows; row += threads) {
      const from = xAt(load<i32>(pass.headRows + (<usize> row << 2)));
      prepareRow(row, from, model.width, norm, quantised);
    }
    setInput(model.a, model.xStride, 0);
    barrier();
  }
  for (let task = claim(), all = tasksOf(matrix); task < all; task = claim()) {
    multiplyTask(matrix, task, model.logits, model.logitsStride, 0, rows, false);
    checkLogits(firstRowOf(matrix, task), rowCountOf(matrix, task), matrix, rows);
  }
}

/** Looks through the logits of a task, and caps them. */
function checkLogits(first: i32, count: i32, matrix: Matrix, rows: i32): void {
  count = min<i32>(count, matrix.rows - first); // what fills the last group is nobody's
  for (let row = 0; row < rows; row++) {
    const at = model.logits + <usize> row * model.logitsStride + (<usize> first << 2);
    if (!allFinite(at, count)) noteBad(BAD_HEAD);
    if (model.logitCap > 0) cap(at, model.logitCap, count);
  }
}
