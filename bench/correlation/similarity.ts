/** How alike two vectors are. */

/** Pearson's correlation of equally many values; NaN when one side is constant or not finite. */
export function correlation(a: Float32Array, b: Float32Array): number {
  return cosine(centred(a), centred(b));
}

/** The cosine of the angle between two vectors; NaN when one is zero or not finite. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) return NaN;
  let product = 0;
  let squaresA = 0;
  let squaresB = 0;
  for (let i = 0; i < a.length; i++) {
    const x = a[i] ?? NaN;
    const y = b[i] ?? NaN;
    product += x * y;
    squaresA += x * x;
    squaresB += y * y;
  }
  return product / Math.sqrt(squaresA * squaresB);
}

/** The smallest correlation of a row. */
export function worstRow(a: Float32Array, b: Float32Array, width: number): number {
  let worst = 1;
  for (let from = 0; from < a.length; from += width) {
    const row = correlation(a.subarray(from, from + width), b.subarray(from, from + width));
    if (!(row >= worst)) worst = row;
  }
  return worst;
}

function centred(values: Float32Array): Float64Array {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return Float64Array.from(values, (value) => value - mean);
}
