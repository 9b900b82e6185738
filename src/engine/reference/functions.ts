/**
 * The elementary functions of the numeric class (docs/NUMERIC_CLASS.md section 4), in plain
 * TypeScript: every operation is an IEEE operation of the language or `Math.fround` after one.
 */
const view = new DataView(new ArrayBuffer(8));
const fround = Math.fround;

/** The f32 with these bits. */
export function f32(hex: string): number {
  view.setUint32(0, Number.parseInt(hex, 16));
  return view.getFloat32(0);
}

/** The f64 with these bits. */
export function f64(hex: string): number {
  view.setBigUint64(0, BigInt(`0x${hex}`));
  return view.getFloat64(0);
}

/** Rounds to an integer, ties to even, for |x| < 2^51; the sum has no room for a fraction. */
export function nearest(x: number): number {
  const shift = 6755399441055744; // 1.5 * 2^52
  return (x + shift) - shift;
}

/** 2^n for a normal result, by its exponent bits. */
function powerOfTwo(n: number): number {
  view.setBigUint64(0, BigInt(n + 1023) << 52n);
  return view.getFloat64(0);
}

const expfCoefficients = ["3ab60b61", "3c088889", "3d2aaaab", "3e2aaaab", "3f000000"]
  .map(f32).concat(1, 1);
const expfFirst = f32("39500d01");
const log2eF32 = f32("3fb8aa3b");
const ln2HighF32 = f32("3f317200");
const ln2LowF32 = f32("35bfbe8e");

/** `expf` of section 4.1; takes and returns an f32. */
export function expf(x: number): number {
  if (x < -87) return 0;
  const y = x > 88 ? 88 : x;
  if (Number.isNaN(y)) return y;
  const n = nearest(fround(y * log2eF32));
  const r = fround(fround(y - fround(n * ln2HighF32)) - fround(n * ln2LowF32));
  let p = expfFirst;
  for (const c of expfCoefficients) p = fround(fround(p * r) + c);
  return fround(p * powerOfTwo(n));
}

const tanhfCoefficients = ["bbc7c6f2", "3cac0247", "bd5c92c5", "3e08870e", "beaaaaa9"].map(f32);

/** `tanhf` of section 4.5; takes and returns an f32. */
export function tanhf(x: number): number {
  const a = Math.abs(x);
  if (a < 0.625) {
    const z = fround(a * a);
    const y = fround(a + fround(a * fround(z * polynomial(tanhfCoefficients, z))));
    return withSign(y, x);
  }
  return withSign(fround(1 - fround(2 / fround(expf(fround(a + a)) + 1))), x);
}

const erffNear = [
  "38a52b48",
  "ba522844",
  "3baa0938",
  "bcdbfd5d",
  "3de71688",
  "bec0939f",
  "3f906eba",
]
  .map(f32);
const erffFar = [
  "35dbbc18",
  "b8412e72",
  "3a1c72f3",
  "bb9bf663",
  "3cd87123",
  "bde171ab",
  "bf21bf5a",
  "bf90ab7d",
  "39a7d834",
].map(f32);

/** `erff` of section 4.6; takes and returns an f32. */
export function erff(x: number): number {
  const a = Math.abs(x);
  if (a < 1) return withSign(fround(a * polynomial(erffNear, fround(a * a))), x);
  const t = a > 4 ? 4 : a;
  return withSign(fround(1 - expf(polynomial(erffFar, t))), x);
}

/** p = p * x + c over the coefficients, highest first, each operation rounded to f32. */
function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((p, c) => fround(fround(p * x) + c));
}

function withSign(y: number, x: number): number {
  return x < 0 || Object.is(x, -0) ? -y : y;
}

/** Rounds an f32 to f16, nearest even; infinite from 65520 on. */
export function toHalf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 65520)) return x < 0 ? -Infinity : x > 0 ? Infinity : NaN;
  let step = powerOfTwo(-24); // the distance of two neighbouring f16
  while (step * 2048 <= a) step *= 2;
  return withSign(nearest(a / step) * step, x);
}

/** 1/k! as the nearest f64, by k. */
const inverseFactorials = [
  "3ff0000000000000",
  "3ff0000000000000",
  "3fe0000000000000",
  "3fc5555555555555",
  "3fa5555555555555",
  "3f81111111111111",
  "3f56c16c16c16c17",
  "3f2a01a01a01a01a",
  "3efa01a01a01a01a",
  "3ec71de3a556c734",
  "3e927e4fb7789f5c",
  "3e5ae64567f544e4",
  "3e21eed8eff8d898",
  "3de6124613a86d09",
  "3da93974a8c07c9d",
  "3d6ae7f3e733b81f",
  "3d2ae7f3e733b81f",
  "3ce952c77030ad4a",
].map(f64);
const log2e = f64("3ff71547652b82fe");
const ln2High = f64("3fe62e42fef00000");
const ln2Low = f64("3dd473de6af278ed");
const expLargest = f64("40862e42fefa39ef");
const expSmallest = f64("c0874910d52d3051");

/** `exp` of section 4.2. */
export function exp(x: number): number {
  if (Number.isNaN(x)) return x;
  if (x > expLargest) return Infinity;
  if (x < expSmallest) return 0;
  const n = nearest(x * log2e);
  const r = (x - n * ln2High) - n * ln2Low;
  let p = inverseFactorial(13);
  for (let k = 12; k >= 0; k--) p = p * r + inverseFactorial(k);
  const a = Math.floor(n / 2);
  return (p * powerOfTwo(a)) * powerOfTwo(n - a);
}

const sqrt2 = f64("3ff6a09e667f3bcd");

/** `log` of section 4.3. */
export function log(x: number): number {
  if (Number.isNaN(x) || x < 0) return NaN;
  if (x === 0) return -Infinity;
  if (x === Infinity) return x;
  let k = 0;
  let m = x;
  if (m < powerOfTwo(-1022)) {
    m *= powerOfTwo(54);
    k = -54;
  }
  view.setFloat64(0, m);
  const high = view.getUint32(0);
  k += (high >>> 20) - 1023;
  view.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  m = view.getFloat64(0);
  if (m > sqrt2) {
    m *= 0.5;
    k += 1;
  }
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  let p = 1 / 23;
  for (let j = 21; j >= 3; j -= 2) p = p * z + 1 / j;
  const t = s + s;
  return k * ln2High + (t + ((t * z) * p + k * ln2Low));
}

const twoOverPi = f64("3fe45f306dc9c883");
const halfPi = ["3ff921fb54400000", "3dd0b4611a600000", "3ba3198a2e037073"].map(f64) as [
  number,
  number,
  number,
];

/** `sin` and `cos` of section 4.4. */
export function sinCos(x: number): { sin: number; cos: number } {
  const n = nearest(x * twoOverPi);
  const r = ((x - n * halfPi[0]) - n * halfPi[1]) - n * halfPi[2];
  const z = r * r;
  const sinR = r + (r * z) * series(z, 17);
  const cosR = 1 + z * series(z, 16);
  switch (n & 3) {
    case 0:
      return { sin: sinR, cos: cosR };
    case 1:
      return { sin: cosR, cos: -sinR };
    case 2:
      return { sin: -sinR, cos: -cosR };
    default:
      return { sin: -cosR, cos: sinR };
  }
}

function series(z: number, first: number): number {
  let p = inverseFactorial(first);
  for (let k = first - 2; k >= 2; k -= 2) p = inverseFactorial(k) - p * z;
  return -p;
}

function inverseFactorial(k: number): number {
  return inverseFactorials[k] ?? NaN;
}
