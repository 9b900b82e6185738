/**
 * The end of the product kernels: storing 8 rows' totals.
 */

/** Stores (or adds to what is there) the totals of 8 rows. */
// @ts-ignore: decorator

@inline
export function put(y: usize, a: v128, b: v128, add: bool): void {
  if (add) {
    a = f32x4.add(v128.load(y), a);
    b = f32x4.add(v128.load(y, 16), b);
  }
  v128.store(y, a);
  v128.store(y, b, 16);
}
