/**
 * Stores half a packed block: columns 0-15 (`h` = 0) or 16-31 (`h` = 1) of 8 rows.
 *
 * Each takes the 8 rows' weights, 16 bytes a row; see constants.ts for the parts.
 */
import { nibblePair, oneBit, sixBits, someBits, transposed, twoBits } from "./repack_parts";

/** Whole bytes, each with `flip` toggled. */
export function storeBytes(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
  flip: i8,
): void {
  const mask = i8x16.splat(flip);
  const at = to + (<usize> h << 7);
  v128.store(at, v128.xor(mask, transposed(r0, r1, r2, r3, 0)));
  v128.store(at, v128.xor(mask, transposed(r4, r5, r6, r7, 0)), 16);
  v128.store(at, v128.xor(mask, transposed(r0, r1, r2, r3, 1)), 32);
  v128.store(at, v128.xor(mask, transposed(r4, r5, r6, r7, 1)), 48);
  v128.store(at, v128.xor(mask, transposed(r0, r1, r2, r3, 2)), 64);
  v128.store(at, v128.xor(mask, transposed(r4, r5, r6, r7, 2)), 80);
  v128.store(at, v128.xor(mask, transposed(r0, r1, r2, r3, 3)), 96);
  v128.store(at, v128.xor(mask, transposed(r4, r5, r6, r7, 3)), 112);
}

/** Whole bytes in pairs of rows r (as w + 128) and r + 4: see wasm/gen/formats/format.ts. */
export function storeTwins(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
): void {
  const at = to + (<usize> h << 7);
  storeTwin(at, transposed(r0, r1, r2, r3, 0), transposed(r4, r5, r6, r7, 0));
  storeTwin(at + 32, transposed(r0, r1, r2, r3, 1), transposed(r4, r5, r6, r7, 1));
  storeTwin(at + 64, transposed(r0, r1, r2, r3, 2), transposed(r4, r5, r6, r7, 2));
  storeTwin(at + 96, transposed(r0, r1, r2, r3, 3), transposed(r4, r5, r6, r7, 3));
}

// @ts-ignore: decorator

@inline
function storeTwin(at: usize, w: v128, high: v128): void {
  const low = v128.xor(w, i8x16.splat(-128));
  v128.store(at, v128.shuffle<i8>(low, high, 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29));
  v128.store(
    at,
    v128.shuffle<i8>(low, high, 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31),
    16,
  );
}

/** Low nibbles. */
export function storeNibbles(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
): void {
  const at = to + (<usize> h << 6);
  v128.store(at, nibblePair(transposed(r0, r1, r2, r3, 0), transposed(r4, r5, r6, r7, 0)));
  v128.store(at, nibblePair(transposed(r0, r1, r2, r3, 1), transposed(r4, r5, r6, r7, 1)), 16);
  v128.store(at, nibblePair(transposed(r0, r1, r2, r3, 2), transposed(r4, r5, r6, r7, 2)), 32);
  v128.store(at, nibblePair(transposed(r0, r1, r2, r3, 3), transposed(r4, r5, r6, r7, 3)), 48);
}

/** Bit `from` of each weight. */
export function storeOnes(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
  from: i32,
): void {
  let ones = oneBit(transposed(r0, r1, r2, r3, 0), from, 0);
  ones = v128.or(ones, oneBit(transposed(r4, r5, r6, r7, 0), from, 1));
  ones = v128.or(ones, oneBit(transposed(r0, r1, r2, r3, 1), from, 2));
  ones = v128.or(ones, oneBit(transposed(r4, r5, r6, r7, 1), from, 3));
  ones = v128.or(ones, oneBit(transposed(r0, r1, r2, r3, 2), from, 4));
  ones = v128.or(ones, oneBit(transposed(r4, r5, r6, r7, 2), from, 5));
  ones = v128.or(ones, oneBit(transposed(r0, r1, r2, r3, 3), from, 6));
  ones = v128.or(ones, oneBit(transposed(r4, r5, r6, r7, 3), from, 7));
  v128.store(to + (<usize> h << 4), ones);
}

/** Low two bits. */
export function storeTwos(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
): void {
  const at = to + (<usize> h << 5);
  let twos = twoBits(transposed(r0, r1, r2, r3, 0), 0, 0);
  twos = v128.or(twos, twoBits(transposed(r4, r5, r6, r7, 0), 0, 2));
  twos = v128.or(twos, twoBits(transposed(r0, r1, r2, r3, 1), 0, 4));
  twos = v128.or(twos, twoBits(transposed(r4, r5, r6, r7, 1), 0, 6));
  v128.store(at, twos);
  twos = twoBits(transposed(r0, r1, r2, r3, 2), 0, 0);
  twos = v128.or(twos, twoBits(transposed(r4, r5, r6, r7, 2), 0, 2));
  twos = v128.or(twos, twoBits(transposed(r0, r1, r2, r3, 3), 0, 4));
  twos = v128.or(twos, twoBits(transposed(r4, r5, r6, r7, 3), 0, 6));
  v128.store(at, twos, 16);
}

/** Six bits: four vectors in three. */
export function storeSixes(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
): void {
  const at = to + <usize> (h * 96);
  let fourth = transposed(r4, r5, r6, r7, 1);
  v128.store(at, sixBits(transposed(r0, r1, r2, r3, 0), fourth, 0));
  v128.store(at, sixBits(transposed(r4, r5, r6, r7, 0), fourth, 2), 16);
  v128.store(at, sixBits(transposed(r0, r1, r2, r3, 1), fourth, 4), 32);
  fourth = transposed(r4, r5, r6, r7, 3);
  v128.store(at, sixBits(transposed(r0, r1, r2, r3, 2), fourth, 0), 48);
  v128.store(at, sixBits(transposed(r4, r5, r6, r7, 2), fourth, 2), 64);
  v128.store(at, sixBits(transposed(r0, r1, r2, r3, 3), fourth, 4), 80);
}

/** Five bits: eight vectors in five. */
export function storeFives(
  to: usize,
  h: i32,
  r0: v128,
  r1: v128,
  r2: v128,
  r3: v128,
  r4: v128,
  r5: v128,
  r6: v128,
  r7: v128,
): void {
  const at = to + <usize> (h * 80);
  const f2 = transposed(r0, r1, r2, r3, 1), f5 = transposed(r4, r5, r6, r7, 2);
  const f7 = transposed(r4, r5, r6, r7, 3);
  const first = someBits(f2, 3, 3, 5), second = someBits(f5, 3, 3, 5);
  const upper = v128.or(first, someBits(f7, 3, 1, 7));
  const lower = v128.or(second, someBits(f7, 4, 1, 7));
  v128.store(at, v128.or(transposed(r0, r1, r2, r3, 0), someBits(f2, 0, 7, 5)));
  v128.store(at, v128.or(transposed(r4, r5, r6, r7, 0), upper), 16);
  v128.store(at, v128.or(transposed(r4, r5, r6, r7, 1), someBits(f5, 0, 7, 5)), 32);
  v128.store(at, v128.or(transposed(r0, r1, r2, r3, 2), lower), 48);
  v128.store(at, v128.or(transposed(r0, r1, r2, r3, 3), someBits(f7, 0, 7, 5)), 64);
}
