/**
 * Philox4x32-10 in plain TypeScript.
 *
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC11).
 */

/** Four words of 32 bits, unsigned. */
export type Words = readonly [number, number, number, number];

/** Encrypts a counter under a key of two words. */
export function philox(counter: Words, key: readonly [number, number]): Words {
  let [a, b, c, d] = counter.map(BigInt) as [bigint, bigint, bigint, bigint];
  let [k0, k1] = key.map(BigInt) as [bigint, bigint];
  for (let round = 0; round < 10; round++) {
    const x = 0xd2511f53n * a;
    const y = 0xcd9e8d57n * c;
    [a, b, c, d] = [(y >> 32n) ^ b ^ k0, low(y), (x >> 32n) ^ d ^ k1, low(x)];
    k0 = low(k0 + 0x9e3779b9n);
    k1 = low(k1 + 0xbb67ae85n);
  }
  return [Number(a), Number(b), Number(c), Number(d)];
}

function low(value: bigint): bigint {
  return value & 0xffffffffn;
}
