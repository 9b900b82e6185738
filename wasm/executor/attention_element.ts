/**
 * Stored keys and values as f32: `T` is f32, or u16 for f16.
 */
import { halvesToFloats } from "./half";

/** Four stored elements; mask and scale are those of `half.ts`. */
// @ts-ignore: decorator

@inline
export function four<T>(p: usize, mask: v128, scale: v128): v128 {
  if (isFloat<T>()) return v128.load(p);
  return halvesToFloats(v128.load16x4_s(p), mask, scale);
}
