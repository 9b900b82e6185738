/**
 * BLAKE3 of activations and of tokens, where they lie in the executor's memory (section 7): the hash
 * kernel's source, linked over this memory. Four rows at a time, one in each lane.
 *
 * Workspace (`w`), 16-byte aligned, 0x1600 bytes and 128 for each chunk of a row:
 *   w + 0x0000  4096 B  see wasm/blake3/tree.ts
 *   w + 0x1000    32 B  key words
 *   w + 0x1020   112 B  node
 *   w + 0x1100    64 B  a digest, or a link of the chain
 *   w + 0x1180   128 B  what four lanes wrote
 *   w + 0x1200   512 B  table of a batch: 64 inputs
 *   w + 0x1600          chaining values of four rows, row after row
 */
import { batchShort } from "../blake3/batch.gen";
import { compress, hash4 } from "../blake3/compress.gen";
import {
  CHUNK_BYTES,
  CHUNK_END,
  CHUNK_START,
  chunkValue,
  chunkValues,
  copyValue,
  PARENT,
  parentNode,
  reduceValues,
  ROOT,
  rootBlock,
  VALUES,
  WINDOW_BYTES,
} from "../blake3/tree";

const KEY: usize = 0x1000;
const NODE: usize = 0x1020;
const LINK: usize = 0x1100;
const LANES: usize = 0x1180;
const TABLE: usize = 0x1200;
const ROWS: usize = 0x1600;

/** The digests of `rows` (at most 64) rows of `bytes` bytes, `stride` apart; 32 B each to `out`. */
export function digestRows(
  x: usize,
  stride: usize,
  rows: u32,
  bytes: u32,
  w: usize,
  out: usize,
): void {
  writeKey(w + KEY);
  if (bytes <= CHUNK_BYTES) {
    digestShort(x, stride, rows, bytes, w, out);
    return;
  }
  while (rows >= 4) {
    digestFour(x, stride, bytes, w, out);
    x += stride << 2;
    out += 128;
    rows -= 4;
  }
  for (; rows > 0; rows--) {
    digestLong(x, bytes, w, out);
    x += stride;
    out += 32;
  }
}

/**
 * A chain over `blocks` (at most 64) blocks of `bytes` (at most 1024) bytes at `x`: each link is the
 * digest of the link before (the first: the 32 B at `seed`) and the block's digest. To `out`.
 */
export function digestChain(
  x: usize,
  blocks: u32,
  bytes: u32,
  seed: usize,
  w: usize,
  out: usize,
): void {
  writeKey(w + KEY);
  digestShort(x, bytes, blocks, bytes, w, out);
  copyValue(seed, w + LINK);
  for (; blocks > 0; blocks--) {
    copyValue(out, w + LINK + 32);
    compress(w + KEY, w + LINK, 64, 0, CHUNK_START | CHUNK_END | ROOT, w + LANES);
    copyValue(w + LANES, w + LINK);
    copyValue(w + LANES, out);
    out += 32;
  }
}

function digestShort(x: usize, stride: usize, rows: u32, bytes: u32, w: usize, out: usize): void {
  for (let row: u32 = 0; row < rows; row++) {
    const entry = w + TABLE + (<usize> row << 3);
    store<u32>(entry, row * <u32> stride);
    store<u32>(entry, bytes, 4);
  }
  batchShort(w + TABLE, x, rows, w + KEY, 0, w, out);
}

/** Four rows of more than a chunk: the same chunk, then the same parent, of all four at once. */
function digestFour(x: usize, stride: usize, bytes: u32, w: usize, out: usize): void {
  const key = w + KEY;
  const full = bytes / CHUNK_BYTES;
  const rest = bytes % CHUNK_BYTES;
  let n = full + u32(rest > 0);
  const size = <usize> n << 5;
  const x1 = x + stride, x2 = x1 + stride, x3 = x2 + stride;
  for (let i: u32 = 0; i < n; i++) {
    const at = <usize> i << 10;
    const part = i < full ? CHUNK_BYTES : rest;
    if (part & 63) {
      for (let lane: usize = 0; lane < 4; lane++) {
        chunkValue(x + lane * stride + at, part, i, key, 0, w, w + LANES + (lane << 5));
      }
    } else {
      hash4(
        x + at,
        x1 + at,
        x2 + at,
        x3 + at,
        part >> 6,
        key,
        i,
        0,
        0,
        CHUNK_START,
        CHUNK_END,
        w,
        w + LANES,
      );
    }
    spread(w, size, i);
  }
  const v0 = w + ROWS, v1 = v0 + size, v2 = v1 + size, v3 = v2 + size;
  while (n > 2) {
    const pairs = n >> 1;
    for (let i: u32 = 0; i < pairs; i++) {
      const at = <usize> i << 6;
      hash4(v0 + at, v1 + at, v2 + at, v3 + at, 1, key, 0, 0, PARENT, 0, 0, w, w + LANES);
      spread(w, size, i);
    }
    if (n & 1) {
      for (let v = v0; v <= v3; v += size) {
        copyValue(v + (<usize> (n - 1) << 5), v + (<usize> pairs << 5));
      }
    }
    n = pairs + (n & 1);
  }
  hash4(v0, v1, v2, v3, 1, key, 0, 0, PARENT | ROOT, 0, 0, w, out);
}

/** Puts the lanes' values at place `i` of their rows, whose values have `size` bytes. */
function spread(w: usize, size: usize, i: u32): void {
  const to = w + ROWS + (<usize> i << 5);
  for (let lane: usize = 0; lane < 4; lane++) {
    copyValue(w + LANES + (lane << 5), to + lane * size);
  }
}

/** One row of more than a chunk. */
function digestLong(x: usize, bytes: u32, w: usize, out: usize): void {
  const key = w + KEY;
  let n: i32;
  if (bytes <= WINDOW_BYTES) {
    n = chunkValues(x, bytes, 0, key, 0, w);
  } else {
    // Values of windows are gathered first, since each window needs the workspace.
    let windows: i32 = 0;
    for (let at: u32 = 0; at < bytes; at += WINDOW_BYTES) {
      const part = min<u32>(WINDOW_BYTES, bytes - at);
      reduceValues(chunkValues(x + at, part, at / CHUNK_BYTES, key, 0, w), 1, key, 0, w);
      copyValue(w + VALUES, w + ROWS + (<usize> windows << 5));
      windows++;
    }
    memory.copy(w + VALUES, w + ROWS, <usize> windows << 5);
    n = windows;
  }
  reduceValues(n, 2, key, 0, w);
  parentNode(w + VALUES, key, 0, w + NODE);
  rootBlock(w + NODE, 0, w + LINK);
  copyValue(w + LINK, out);
}

/** The initial value, section 2.2 of the paper. */
function writeKey(key: usize): void {
  v128.store(key, i32x4(0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a));
  v128.store(key, i32x4(0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19), 16);
}
