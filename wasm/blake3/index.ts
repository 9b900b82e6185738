/**
 * The BLAKE3 module: hash, keyed hash and key derivation (which differ by key words and flags),
 * extended output, batches of short inputs, and the groups and parents of an outboard.
 *
 * Not here: reading bytes from anywhere, and the layout of an outboard (docs/BLAKE3_OUTBOARD.md).
 * Callers write the mode once, then inputs; addresses are in map.ts. Nothing is checked: the typed
 * face, `src/hot/blake3.ts`, checks every bound.
 */
import { batchShort } from "./batch.gen";
import { compress } from "./compress.gen";
import { DEPTH, DIGEST, FLAGS, KEY, NODE, PUSHED, STACK, TABLE, WORKSPACE } from "./map";
import {
  CHUNK_BYTES,
  CHUNK_END,
  CHUNK_START,
  chunkNode,
  chunkValues,
  copyValue,
  padBlock,
  PADDED,
  parentNode,
  parentValues,
  reduceValues,
  ROOT,
  rootBlock,
  VALUES,
  WINDOW_BYTES,
} from "./tree";

/** Begins a new input. */
export function begin(): void {
  store<u32>(DEPTH, 0);
  store<u64>(PUSHED, 0);
}

/** Takes a window of exactly 65,536 bytes. More bytes must follow: the last ones go to `finish`. */
export function push(p: usize): void {
  const flags = load<u32>(FLAGS);
  const pushed = load<u64>(PUSHED);
  const n = chunkValues(p, WINDOW_BYTES, pushed << 6, KEY, flags, WORKSPACE);
  reduceValues(n, 1, KEY, flags, WORKSPACE);
  pushValue(pushed);
  store<u64>(PUSHED, pushed + 1);
}

/** Puts the value of the workspace on the stack after merging the full subtrees below it. */
function pushValue(pushed: u64): void {
  mergeTo(<u32> popcnt<u64>(pushed));
  const depth = load<u32>(DEPTH);
  copyValue(WORKSPACE + VALUES, STACK + (<usize> depth << 5));
  store<u32>(DEPTH, depth + 1);
}

/** Merges the topmost values until the stack has `most`. */
function mergeTo(most: u32): void {
  let depth = load<u32>(DEPTH);
  while (depth > most) {
    const pair = STACK + (<usize> (depth - 2) << 5);
    parentValues(pair, 1, KEY, load<u32>(FLAGS), WORKSPACE, pair);
    depth--;
  }
  store<u32>(DEPTH, depth);
}

/** Takes the last 0 to 65,536 bytes (0 only if nothing was pushed). The digest is at DIGEST. */
export function finish(p: usize, length: u32): void {
  const flags = load<u32>(FLAGS);
  const pushed = load<u64>(PUSHED);
  if (pushed == 0 && length <= CHUNK_BYTES) {
    chunkNode(p, length, 0, KEY, flags, NODE);
  } else {
    const n = chunkValues(p, length, pushed << 6, KEY, flags, WORKSPACE);
    if (pushed == 0) {
      reduceValues(n, 2, KEY, flags, WORKSPACE);
      parentNode(WORKSPACE + VALUES, KEY, flags, NODE);
    } else {
      reduceValues(n, 1, KEY, flags, WORKSPACE);
      pushValue(pushed);
      mergeTo(2);
      parentNode(STACK, KEY, flags, NODE);
    }
  }
  rootBlock(NODE, 0, DIGEST);
}

/** The digest of `length` bytes at `p`, to DIGEST. Reads up to 63 bytes beyond the end. */
export function digest(p: usize, length: u32): void {
  if (length <= 64) {
    let block = p;
    if (length < 64) {
      block = WORKSPACE + PADDED;
      padBlock(p, length, block);
    }
    compress(KEY, block, length, 0, load<u32>(FLAGS) | CHUNK_START | CHUNK_END | ROOT, DIGEST);
    return;
  }
  begin();
  while (length > WINDOW_BYTES) {
    push(p);
    p += WINDOW_BYTES;
    length -= WINDOW_BYTES;
  }
  finish(p, length);
}

/** Extended output after `finish`: `blocks` blocks of 64 B from block `low + high * 2^32`. */
export function squeeze(low: u32, high: u32, blocks: u32, out: usize): void {
  const first = <u64> low | (<u64> high << 32);
  for (let i: u32 = 0; i < blocks; i++) rootBlock(NODE, first + i, out + (<usize> i << 6));
}

/** Digests of the `count` inputs of TABLE, whose offsets count from `base`; 32 B each at `out`. */
export function batch(base: usize, count: u32, out: usize): void {
  batchShort(TABLE, base, count, KEY, load<u32>(FLAGS), WORKSPACE, out);
  // A longer input fills four lanes by itself.
  for (let i: u32 = 0; i < count; i++) {
    const entry = TABLE + (<usize> i << 3);
    if (load<u32>(entry, 4) <= CHUNK_BYTES) continue;
    digest(base + load<u32>(entry), load<u32>(entry, 4));
    copyValue(DIGEST, out + (<usize> i << 5));
  }
}

/**
 * Chaining values of the 16 KiB groups of `length` bytes at `p`, whose first chunk is `low + high *
 * 2^32`; 32 B each at `out`. Only the last group of an input may be short, and none may be the root.
 */
export function groups(p: usize, length: u32, low: u32, high: u32, out: usize): void {
  const flags = load<u32>(FLAGS);
  let chunk = <u64> low | (<u64> high << 32);
  while (length >= WINDOW_BYTES) {
    reduceValues(
      chunkValues(p, WINDOW_BYTES, chunk, KEY, flags, WORKSPACE),
      4,
      KEY,
      flags,
      WORKSPACE,
    );
    memory.copy(out, WORKSPACE + VALUES, 128);
    out += 128;
    p += WINDOW_BYTES;
    chunk += 64;
    length -= WINDOW_BYTES;
  }
  while (length > 0) {
    const part = min<u32>(length, 16 * CHUNK_BYTES);
    reduceValues(chunkValues(p, part, chunk, KEY, flags, WORKSPACE), 1, KEY, flags, WORKSPACE);
    copyValue(WORKSPACE + VALUES, out);
    out += 32;
    p += part;
    chunk += 16;
    length -= part;
  }
}

/** The chaining value of the parent of the pair of 64 B at `p`, to 32 B at `out`. */
export function parent(p: usize, out: usize): void {
  parentValues(p, 1, KEY, load<u32>(FLAGS), WORKSPACE, out);
}

/** The digest whose tree's top is the pair at `p`, to DIGEST. */
export function parentRoot(p: usize): void {
  parentNode(p, KEY, load<u32>(FLAGS), NODE);
  rootBlock(NODE, 0, DIGEST);
}
