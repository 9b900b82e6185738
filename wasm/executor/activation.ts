/**
 * Activations of the feed-forward network (section 5.4).
 */
import { expf } from "./expf";
import { erff, tanhf } from "./tanh_erf";

export const SILU: i32 = 0;
export const GELU_TANH: i32 = 1;
export const GELU_ERF: i32 = 2;

// @ts-ignore: decorator

@inline
function activated(kind: i32, x: v128): v128 {
  const one = f32x4.splat(1);
  if (kind == SILU) return f32x4.div(x, f32x4.add(one, expf(f32x4.neg(x))));
  const half = f32x4.mul(x, f32x4.splat(0.5));
  if (kind == GELU_TANH) {
    const z = f32x4.mul(f32x4.mul(x, x), f32x4.splat(reinterpret<f32>(0x3d372713)));
    const u = f32x4.mul(f32x4.mul(x, f32x4.splat(reinterpret<f32>(0x3f4c422a))), f32x4.add(one, z));
    return f32x4.mul(half, f32x4.add(one, tanhf(u)));
  }
  const u = f32x4.mul(x, f32x4.splat(reinterpret<f32>(0x3f3504f3)));
  return f32x4.mul(half, f32x4.add(one, erff(u)));
}

// @ts-ignore: decorator

@inline
function activateAll(kind: i32, g: usize, u: usize, count: i32): void {
  const end = <usize> count << 2;
  let i: usize = 0;
  for (; i + 16 <= end; i += 16) {
    let y = activated(kind, v128.load(g + i));
    if (u != 0) y = f32x4.mul(y, v128.load(u + i));
    v128.store(g + i, y);
  }
  for (; i < end; i += 4) {
    let y = activated(kind, v128.load32_zero(g + i));
    if (u != 0) y = f32x4.mul(y, v128.load32_zero(u + i));
    v128.store32_lane(g + i, y, 0);
  }
}

/** g[i] = activation(g[i]), times u[i] where `u` is not 0, in place. */
export function activate(kind: i32, g: usize, u: usize, count: i32): void {
  if (kind == SILU) activateAll(SILU, g, u, count);
  else if (kind == GELU_TANH) activateAll(GELU_TANH, g, u, count);
  else activateAll(GELU_ERF, g, u, count);
}
