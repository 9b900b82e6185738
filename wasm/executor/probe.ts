/**
 * The relaxed integer dot product and its probe.
 *
 * `i32x4.relaxed_dot_i8x16_i7x16_add_s` leaves open whether an operand byte above 127 is read as
 * signed or unsigned, and whether pairs saturate in 16 bits. The start-up probe asks the engine.
 * The build without relaxed SIMD has the same exports and answers "neither".
 */

/** Whether this build uses the relaxed instruction. */
export function relaxed(): i32 {
  return ASC_FEATURE_RELAXED_SIMD ? 1 : 0;
}

/** One lane of dot(16 x 127, 16 x 255): 129540 unsigned, -508 signed, 65534 neither. */
export function probe(left: i32, right: i32): i32 {
  // The operands are arguments so that no compiler folds the instruction with its own reading.
  return i32x4.extract_lane(
    dotRelaxed(i8x16.splat(<i8> left), i8x16.splat(<i8> right), i32x4.splat(0)),
    0,
  );
}

/** The instruction, or (in the other build) pairs that saturate, as x86 before VNNI computes it. */
// @ts-ignore: decorator

@inline
export function dotRelaxed(x: v128, w: v128, sum: v128): v128 {
  if (ASC_FEATURE_RELAXED_SIMD) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, w, sum);
  return dotSaturating(x, w, sum);
}

function dotSaturating(x: v128, w: v128, sum: v128): v128 {
  const low = i32x4.dot_i16x8_s(i16x8.extend_low_i8x16_s(x), i16x8.extend_low_i8x16_u(w));
  const high = i32x4.dot_i16x8_s(i16x8.extend_high_i8x16_s(x), i16x8.extend_high_i8x16_u(w));
  const pairs = i16x8.narrow_i32x4_s(low, high);
  return i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(pairs));
}

/** What the instruction answers on a "signed" or "unsigned" engine, in plain SIMD, for tests. */
// @ts-ignore: decorator

@inline
export function dotEmulated<S>(x: v128, w: v128, sum: v128): v128 {
  const xs = i16x8.extend_low_i8x16_s(x); // x repeats every four bytes: both halves are equal
  const low = isSigned<S>() ? i16x8.extend_low_i8x16_s(w) : i16x8.extend_low_i8x16_u(w);
  const high = isSigned<S>() ? i16x8.extend_high_i8x16_s(w) : i16x8.extend_high_i8x16_u(w);
  return i32x4.add(sum, addPairs(i32x4.dot_i16x8_s(xs, low), i32x4.dot_i16x8_s(xs, high)));
}

/** [a0 + a1, a2 + a3, b0 + b1, b2 + b3]. */
// @ts-ignore: decorator

@inline
export function addPairs(a: v128, b: v128): v128 {
  return i32x4.add(
    v128.shuffle<i32>(a, b, 0, 2, 4, 6),
    v128.shuffle<i32>(a, b, 1, 3, 5, 7),
  );
}
