/**
 * Rotary position embedding (section 5.2).
 */
import { cos, sin } from "./functions";

/**
 * Writes the pairs (cos, sin) of one position: `width` f32 values at `out`.
 *
 * @param frequencies `width` / 2 f64 values
 * @param magnitude cosines and sines are multiplied by it
 */
export function rotation(
  out: usize,
  position: i32,
  frequencies: usize,
  magnitude: f64,
  width: i32,
): void {
  for (let i = 0; i < width >> 1; i++) {
    const angle = <f64> position * load<f64>(frequencies + (<usize> i << 3));
    store<f32>(out + (<usize> i << 3), <f32> (cos(angle) * magnitude));
    store<f32>(out + (<usize> i << 3), <f32> (sin(angle) * magnitude), 4);
  }
}

/**
 * Rotates every head at `x` in place.
 *
 * @param pairs what `rotation` wrote
 * @param halves elements i and i + width / 2 are rotated together, otherwise 2i and 2i + 1
 */
export function rotate(
  x: usize,
  pairs: usize,
  heads: i32,
  headWidth: i32,
  width: i32,
  halves: i32,
): void {
  for (let head = 0; head < heads; head++) {
    if (halves) rotateHalves(x, pairs, width >> 1);
    else rotateNeighbours(x, pairs, width >> 1);
    x += <usize> headWidth << 2;
  }
}

function rotateNeighbours(x: usize, pairs: usize, count: i32): void {
  let i = 0;
  for (; i + 2 <= count; i += 2) {
    const ab = v128.load(x);
    const cs = v128.load(pairs);
    const c = v128.shuffle<f32>(cs, cs, 0, 0, 2, 2);
    const s = v128.shuffle<f32>(cs, cs, 1, 1, 3, 3);
    const ba = v128.shuffle<f32>(ab, ab, 1, 0, 3, 2);
    // (a*c - b*s, a*s + b*c): adding a product whose sign is turned is subtracting it.
    const turned = v128.xor(f32x4.mul(ba, s), i32x4(i32.MIN_VALUE, 0, i32.MIN_VALUE, 0));
    v128.store(x, f32x4.add(f32x4.mul(ab, c), turned));
    x += 16;
    pairs += 16;
  }
  for (; i < count; i++) {
    const c = load<f32>(pairs), s = load<f32>(pairs, 4), a = load<f32>(x), b = load<f32>(x, 4);
    store<f32>(x, a * c - b * s);
    store<f32>(x, a * s + b * c, 4);
    x += 8;
    pairs += 8;
  }
}

function rotateHalves(x: usize, pairs: usize, count: i32): void {
  let y = x + (<usize> count << 2);
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    const low = v128.load(pairs);
    const high = v128.load(pairs, 16);
    const c = v128.shuffle<f32>(low, high, 0, 2, 4, 6);
    const s = v128.shuffle<f32>(low, high, 1, 3, 5, 7);
    const a = v128.load(x);
    const b = v128.load(y);
    v128.store(x, f32x4.sub(f32x4.mul(a, c), f32x4.mul(b, s)));
    v128.store(y, f32x4.add(f32x4.mul(a, s), f32x4.mul(b, c)));
    x += 16;
    y += 16;
    pairs += 32;
  }
  for (; i < count; i++) {
    const c = load<f32>(pairs), s = load<f32>(pairs, 4), a = load<f32>(x), b = load<f32>(y);
    store<f32>(x, a * c - b * s);
    store<f32>(y, a * s + b * c);
    x += 4;
    y += 4;
    pairs += 8;
  }
}
