/**
 * Exact conversion of finite f16 and bf16 to f32, four lanes at a time.
 *
 * An f16 is shifted so that its exponent and fraction sit in an f32's; the bias differs by 112,
 * which one exact multiplication by 2^112 makes good, for subnormals too.
 */
import { halfMask, halfScale } from "./constants";

/** Widened f16 bits (sign-extended in i32 lanes) to f32. */
// @ts-ignore: decorator

@inline
export function halvesToFloats(bits: v128, mask: v128, scale: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(bits, 13), mask), scale);
}

/** The f32 value of one f16. */
// @ts-ignore: decorator

@inline
export function halfToFloat(bits: i32): f32 {
  return reinterpret<f32>((((bits << 16) >> 16) << 13) & halfMask) * halfScale();
}
