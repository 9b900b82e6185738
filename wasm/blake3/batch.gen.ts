/**
 * Many inputs of at most one chunk each, four at a time: a lane that ends takes the next input, so
 * that lanes stay full whatever the lengths. Written by wasm/gen/blake3.ts: do not edit.
 *
 * Per lane: `p` next block, `left` bytes from there, `f` flags of the next block, `id` input.
 */
import { step4 } from "./compress.gen";
import { CHUNK_END, CHUNK_START, PADDED, padBlock, ROOT, shortFrom } from "./tree";

const STATE: usize = 256;
const IDLE: u32 = 0xffffffff;

/** Digests of the inputs of `table` (offset from `base`, length) that have at most 1024 bytes. */
export function batchShort(
  table: usize, base: usize, count: u32, key: usize, flags: u32, w: usize, out: usize,
): void {
  const first = flags | CHUNK_START;
  let next = shortFrom(table, 0, count);
  let busy = 0;
  let p0 = w, left0: u32 = 0, f0 = first, id0 = IDLE;
  let p1 = w, left1: u32 = 0, f1 = first, id1 = IDLE;
  let p2 = w, left2: u32 = 0, f2 = first, id2 = IDLE;
  let p3 = w, left3: u32 = 0, f3 = first, id3 = IDLE;
  if (next < count) {
    busy++;
    id0 = next;
    p0 = base + load<u32>(table + (<usize>next << 3));
    left0 = load<u32>(table + (<usize>next << 3), 4);
    f0 = first;
    next = shortFrom(table, next + 1, count);
  }
  if (next < count) {
    busy++;
    id1 = next;
    p1 = base + load<u32>(table + (<usize>next << 3));
    left1 = load<u32>(table + (<usize>next << 3), 4);
    f1 = first;
    next = shortFrom(table, next + 1, count);
  }
  if (next < count) {
    busy++;
    id2 = next;
    p2 = base + load<u32>(table + (<usize>next << 3));
    left2 = load<u32>(table + (<usize>next << 3), 4);
    f2 = first;
    next = shortFrom(table, next + 1, count);
  }
  if (next < count) {
    busy++;
    id3 = next;
    p3 = base + load<u32>(table + (<usize>next << 3));
    left3 = load<u32>(table + (<usize>next << 3), 4);
    f3 = first;
    next = shortFrom(table, next + 1, count);
  }
  while (busy > 0) {
    let q0 = p0, l0: u32 = 64, g0 = f0;
    f0 = flags;
    if (left0 > 64) {
      p0 += 64;
      left0 -= 64;
    } else {
      l0 = left0;
      g0 |= CHUNK_END | ROOT;
      if (l0 < 64) {
        q0 = w + PADDED + 0;
        padBlock(p0, l0, q0);
      }
    }
    let q1 = p1, l1: u32 = 64, g1 = f1;
    f1 = flags;
    if (left1 > 64) {
      p1 += 64;
      left1 -= 64;
    } else {
      l1 = left1;
      g1 |= CHUNK_END | ROOT;
      if (l1 < 64) {
        q1 = w + PADDED + 64;
        padBlock(p1, l1, q1);
      }
    }
    let q2 = p2, l2: u32 = 64, g2 = f2;
    f2 = flags;
    if (left2 > 64) {
      p2 += 64;
      left2 -= 64;
    } else {
      l2 = left2;
      g2 |= CHUNK_END | ROOT;
      if (l2 < 64) {
        q2 = w + PADDED + 128;
        padBlock(p2, l2, q2);
      }
    }
    let q3 = p3, l3: u32 = 64, g3 = f3;
    f3 = flags;
    if (left3 > 64) {
      p3 += 64;
      left3 -= 64;
    } else {
      l3 = left3;
      g3 |= CHUNK_END | ROOT;
      if (l3 < 64) {
        q3 = w + PADDED + 192;
        padBlock(p3, l3, q3);
      }
    }
    step4(
      q0, q1, q2, q3,
      i32x4(l0, l1, l2, l3),
      i32x4(g0, g1, g2, g3),
      key, w,
    );
    if ((g0 & ROOT) != 0 && id0 != IDLE) {
      take(0, w, out + (<usize>id0 << 5));
      if (next < count) {
        id0 = next;
        p0 = base + load<u32>(table + (<usize>next << 3));
        left0 = load<u32>(table + (<usize>next << 3), 4);
        f0 = first;
        next = shortFrom(table, next + 1, count);
      } else {
        id0 = IDLE;
        left0 = 0;
        busy--;
      }
    }
    if ((g1 & ROOT) != 0 && id1 != IDLE) {
      take(1, w, out + (<usize>id1 << 5));
      if (next < count) {
        id1 = next;
        p1 = base + load<u32>(table + (<usize>next << 3));
        left1 = load<u32>(table + (<usize>next << 3), 4);
        f1 = first;
        next = shortFrom(table, next + 1, count);
      } else {
        id1 = IDLE;
        left1 = 0;
        busy--;
      }
    }
    if ((g2 & ROOT) != 0 && id2 != IDLE) {
      take(2, w, out + (<usize>id2 << 5));
      if (next < count) {
        id2 = next;
        p2 = base + load<u32>(table + (<usize>next << 3));
        left2 = load<u32>(table + (<usize>next << 3), 4);
        f2 = first;
        next = shortFrom(table, next + 1, count);
      } else {
        id2 = IDLE;
        left2 = 0;
        busy--;
      }
    }
    if ((g3 & ROOT) != 0 && id3 != IDLE) {
      take(3, w, out + (<usize>id3 << 5));
      if (next < count) {
        id3 = next;
        p3 = base + load<u32>(table + (<usize>next << 3));
        left3 = load<u32>(table + (<usize>next << 3), 4);
        f3 = first;
        next = shortFrom(table, next + 1, count);
      } else {
        id3 = IDLE;
        left3 = 0;
        busy--;
      }
    }
  }
}

/** The digest of a lane. */
function take(lane: usize, w: usize, out: usize): void {
  const state = w + STATE + (lane << 2);
  store<u32>(out, load<u32>(state, 0), 0);
  store<u32>(out, load<u32>(state, 16), 4);
  store<u32>(out, load<u32>(state, 32), 8);
  store<u32>(out, load<u32>(state, 48), 12);
  store<u32>(out, load<u32>(state, 64), 16);
  store<u32>(out, load<u32>(state, 80), 20);
  store<u32>(out, load<u32>(state, 96), 24);
  store<u32>(out, load<u32>(state, 112), 28);
}
