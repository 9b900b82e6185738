/**
 * Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", 2011).
 */

/** Encrypts the counter at `p` (4 u32) in place under the key (k0, k1). */
export function philoxBlock(p: usize, k0: u32, k1: u32): void {
  let a = load<u32>(p);
  let b = load<u32>(p, 4);
  let c = load<u32>(p, 8);
  let d = load<u32>(p, 12);
  for (let round = 0; round < 10; round++) {
    const x = <u64> 0xd2511f53 * <u64> a;
    const y = <u64> 0xcd9e8d57 * <u64> c;
    a = <u32> (y >> 32) ^ b ^ k0;
    b = <u32> y;
    c = <u32> (x >> 32) ^ d ^ k1;
    d = <u32> x;
    k0 += 0x9e3779b9;
    k1 += 0xbb67ae85;
  }
  store<u32>(p, a);
  store<u32>(p, b, 4);
  store<u32>(p, c, 8);
  store<u32>(p, d, 12);
}
