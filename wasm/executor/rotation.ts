/**
 * Rotary position embedding (section 5.2).
 */
import { cos, exp, log, sin } from "./functions";

/** Writes the pairs (cos, sin) of one position: `width` f32 values at `out`. */
export function rotation(out: usize, position: i32, width: i32, base: f64): void {
  for (let i = 0; i < width >> 1; i++) {
    const frequency = exp(-(<f64> (2 * i) / <f64> width) * log(base));
    const angle = <f64> position * frequency;
    store<f32>(out + (<usize> i << 3), <f32> cos(angle));
    store<f32>(out + (<usize> i << 3), <f32> sin(angle), 4);
  }
}

/** Rotates every head at `x` in place; `pairs` is what `rotation` wrote. */
export function rotate(x: usize, pairs: usize, heads: i32, headWidth: i32, width: i32): void {
  for (let head = 0; head < heads; head++) {
    for (let i: usize = 0; i < <usize> width << 2; i += 8) {
      const c = load<f32>(pairs + i);
      const s = load<f32>(pairs + i, 4);
      const a = load<f32>(x + i);
      const b = load<f32>(x + i, 4);
      store<f32>(x + i, a * c - b * s);
      store<f32>(x + i, a * s + b * c, 4);
    }
    x += <usize> headWidth << 2;
  }
}
