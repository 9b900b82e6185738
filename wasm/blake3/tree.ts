/**
 * Chunks and parents of BLAKE3 over any memory: nothing here knows an address, so that the executor
 * can link it over its own. Sections 2.1 and 2.4 to 2.5 of the paper.
 *
 * Workspace (`w`), 16-byte aligned, WORKSPACE_BYTES long:
 *   w + 0x000   384 B  scratch of compress.gen.ts
 *   w + 0x1C0   256 B  padded last blocks of four lanes
 *   w + 0x2C0    64 B  what one compression wrote
 *   w + 0x400  2112 B  chaining values of a subtree of at most 64 chunks
 *
 * A node is a compression not yet done, since its flags depend on whether it is the root:
 *   n + 0    32 B  chaining value       n + 96   4 B  block length
 *   n + 32   64 B  block                n + 100  4 B  flags        n + 104  8 B  counter
 */
import { compress, hash4 } from "./compress.gen";

export const WORKSPACE_BYTES: usize = 0x1000;
export const CHUNK_BYTES: u32 = 1024;
export const WINDOW_BYTES: u32 = 65536;

export const CHUNK_START: u32 = 1;
export const CHUNK_END: u32 = 2;
export const PARENT: u32 = 4;
export const ROOT: u32 = 8;

export const PADDED: usize = 0x1c0;
const WRITTEN: usize = 0x2c0;
export const VALUES: usize = 0x400;

/** Bytes 0 to 15; mutable, so that the engine keeps it in a register. */
let counting: v128 = i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);

/** Copies 32 bytes. */
// @ts-ignore: decorator
@inline
export function copyValue(from: usize, to: usize): void {
  v128.store(to, v128.load(from));
  v128.store(to, v128.load(from, 16), 16);
}

/** The first input from `next` on that has at most one chunk, or `count`. */
export function shortFrom(table: usize, next: u32, count: u32): u32 {
  while (next < count && load<u32>(table + (<usize> next << 3), 4) > CHUNK_BYTES) next++;
  return next;
}

/** Copies a block of `length` <= 64 bytes and zeros behind it. Reads 64 bytes at `from`. */
export function padBlock(from: usize, length: u32, to: usize): void {
  const rest = i8x16.splat(<i8> length);
  for (let at: i32 = 0; at < 64; at += 16) {
    const place = i8x16.add(counting, i8x16.splat(<i8> at));
    v128.store(to + at, v128.and(v128.load(from + at), i8x16.lt_u(place, rest)));
  }
}

/** The node of one chunk of 0 to 1024 bytes. Reads up to 63 bytes beyond its end. */
export function chunkNode(
  p: usize,
  length: u32,
  counter: u64,
  key: usize,
  flags: u32,
  node: usize,
): void {
  copyValue(key, node);
  let f = flags | CHUNK_START;
  while (length > 64) {
    // compress() writes 64 bytes: the upper 32 fall on the node's block, which is not there yet.
    compress(node, p, 64, counter, f, node);
    f = flags;
    p += 64;
    length -= 64;
  }
  padBlock(p, length, node + 32);
  store<u32>(node, length, 96);
  store<u32>(node, f | CHUNK_END, 100);
  store<u64>(node, counter, 104);
}

/** The node of the parent of two chaining values at `pair`. */
export function parentNode(pair: usize, key: usize, flags: u32, node: usize): void {
  copyValue(key, node);
  copyValue(pair, node + 32);
  copyValue(pair + 32, node + 64);
  store<u32>(node, 64, 96);
  store<u32>(node, flags | PARENT, 100);
  store<u64>(node, 0, 104);
}

/** The 32 bytes of a node that is not the root. */
export function nodeValue(node: usize, w: usize, out: usize): void {
  compress(
    node,
    node + 32,
    load<u32>(node, 96),
    load<u64>(node, 104),
    load<u32>(node, 100),
    w + WRITTEN,
  );
  copyValue(w + WRITTEN, out);
}

/** Block `index` of 64 bytes of the output of a node that is the root. */
export function rootBlock(node: usize, index: u64, out: usize): void {
  compress(node, node + 32, load<u32>(node, 96), index, load<u32>(node, 100) | ROOT, out);
}

/** The chaining value of one chunk. */
export function chunkValue(
  p: usize,
  length: u32,
  counter: u64,
  key: usize,
  flags: u32,
  w: usize,
  out: usize,
): void {
  const node = w + PADDED;
  chunkNode(p, length, counter, key, flags, node);
  nodeValue(node, w, out);
}

/** Chaining values of the chunks of 1 to 65,536 bytes, into the workspace. Returns how many. */
export function chunkValues(
  p: usize,
  length: u32,
  counter: u64,
  key: usize,
  flags: u32,
  w: usize,
): i32 {
  const out = w + VALUES;
  let n = 0;
  while (length >= 4 * CHUNK_BYTES) {
    hash4(
      p,
      p + 1024,
      p + 2048,
      p + 3072,
      16,
      key,
      counter + n,
      1,
      flags,
      CHUNK_START,
      CHUNK_END,
      w,
      out + (<usize> n << 5),
    );
    n += 4;
    p += 4 * CHUNK_BYTES;
    length -= 4 * CHUNK_BYTES;
  }
  while (length > 0) {
    const part = min<u32>(length, CHUNK_BYTES);
    chunkValue(p, part, counter + n, key, flags, w, out + (<usize> n << 5));
    n++;
    p += part;
    length -= part;
  }
  return n;
}

/** Chaining values of the parents of `pairs` pairs at `from`, to `to`, which may be `from`. */
export function parentValues(
  from: usize,
  pairs: i32,
  key: usize,
  flags: u32,
  w: usize,
  to: usize,
): void {
  let i = 0;
  for (; i + 4 <= pairs; i += 4) {
    const p = from + (<usize> i << 6);
    hash4(
      p,
      p + 64,
      p + 128,
      p + 192,
      1,
      key,
      0,
      0,
      flags | PARENT,
      0,
      0,
      w,
      to + (<usize> i << 5),
    );
  }
  for (; i < pairs; i++) {
    compress(key, from + (<usize> i << 6), 64, 0, flags | PARENT, w + WRITTEN);
    copyValue(w + WRITTEN, to + (<usize> i << 5));
  }
}

/**
 * Reduces `n` neighbouring values in the workspace, level by level, to at most `most`.
 *
 * A value without a neighbour goes up as it is, which is the paper's tree: the left side of every
 * parent is a full one.
 */
export function reduceValues(n: i32, most: i32, key: usize, flags: u32, w: usize): i32 {
  const values = w + VALUES;
  while (n > most) {
    const pairs = n >> 1;
    parentValues(values, pairs, key, flags, w, values);
    if (n & 1) copyValue(values + (<usize> (n - 1) << 5), values + (<usize> pairs << 5));
    n = pairs + (n & 1);
  }
  return n;
}
