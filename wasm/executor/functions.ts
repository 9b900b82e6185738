/**
 * `exp`, `log`, `sin` and `cos` in f64 (sections 4.2 to 4.4).
 */

const LN2_HIGH: f64 = reinterpret<f64>(0x3fe62e42fef00000);
const LN2_LOW: f64 = reinterpret<f64>(0x3dd473de6af278ed);

/** 1/k! as the nearest f64, for the k that the series use. */
const F2: f64 = 0.5;
const F3: f64 = reinterpret<f64>(0x3fc5555555555555);
const F4: f64 = reinterpret<f64>(0x3fa5555555555555);
const F5: f64 = reinterpret<f64>(0x3f81111111111111);
const F6: f64 = reinterpret<f64>(0x3f56c16c16c16c17);
const F7: f64 = reinterpret<f64>(0x3f2a01a01a01a01a);
const F8: f64 = reinterpret<f64>(0x3efa01a01a01a01a);
const F9: f64 = reinterpret<f64>(0x3ec71de3a556c734);
const F10: f64 = reinterpret<f64>(0x3e927e4fb7789f5c);
const F11: f64 = reinterpret<f64>(0x3e5ae64567f544e4);
const F12: f64 = reinterpret<f64>(0x3e21eed8eff8d898);
const F13: f64 = reinterpret<f64>(0x3de6124613a86d09);
const F14: f64 = reinterpret<f64>(0x3da93974a8c07c9d);
const F15: f64 = reinterpret<f64>(0x3d6ae7f3e733b81f);
const F16: f64 = reinterpret<f64>(0x3d2ae7f3e733b81f);
const F17: f64 = reinterpret<f64>(0x3ce952c77030ad4a);

// @ts-ignore: decorator

@inline
function powerOfTwo(n: i32): f64 {
  return reinterpret<f64>(<u64> (n + 1023) << 52);
}

/** e^x. */
export function exp(x: f64): f64 {
  if (x != x) return x;
  if (x > reinterpret<f64>(0x40862e42fefa39ef)) return f64.POSITIVE_INFINITY;
  if (x < reinterpret<f64>(0xc0874910d52d3051)) return 0;
  const n = nearest<f64>(x * reinterpret<f64>(0x3ff71547652b82fe));
  const r = (x - n * LN2_HIGH) - n * LN2_LOW;
  let p = F13;
  p = p * r + F12;
  p = p * r + F11;
  p = p * r + F10;
  p = p * r + F9;
  p = p * r + F8;
  p = p * r + F7;
  p = p * r + F6;
  p = p * r + F5;
  p = p * r + F4;
  p = p * r + F3;
  p = p * r + F2;
  p = p * r + 1.0;
  p = p * r + 1.0;
  const a = <i32> n >> 1;
  return (p * powerOfTwo(a)) * powerOfTwo(<i32> n - a);
}

// @ts-ignore: decorator

@inline
function powersOfTwo(n: v128): v128 {
  return i64x2.shl(i64x2.add(n, i64x2.splat(1023)), 52);
}

/** e^x of two numbers of at most 0, each by the operations of `exp` in their order. */
// @ts-ignore: decorator

@inline
export function expOfNegatives(x: v128): v128 {
  const n = f64x2.nearest(f64x2.mul(x, f64x2.splat(reinterpret<f64>(0x3ff71547652b82fe))));
  const r = f64x2.sub(
    f64x2.sub(x, f64x2.mul(n, f64x2.splat(LN2_HIGH))),
    f64x2.mul(n, f64x2.splat(LN2_LOW)),
  );
  let p = f64x2.splat(F13);
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F12));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F11));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F10));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F9));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F8));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F7));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F6));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F5));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F4));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F3));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(F2));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  p = f64x2.add(f64x2.mul(p, r), f64x2.splat(1));
  // Where x is below the range the count of halvings saturates, and the last line makes it 0.
  const halvings = i64x2.extend_low_i32x4_s(i32x4.trunc_sat_f64x2_s_zero(n));
  const a = i64x2.shr_s(halvings, 1);
  const y = f64x2.mul(f64x2.mul(p, powersOfTwo(a)), powersOfTwo(i64x2.sub(halvings, a)));
  return v128.and(y, f64x2.ge(x, f64x2.splat(reinterpret<f64>(0xc0874910d52d3051))));
}

/** The natural logarithm. */
export function log(x: f64): f64 {
  if (x != x || x < 0) return f64.NaN;
  if (x == 0) return f64.NEGATIVE_INFINITY;
  if (x == f64.POSITIVE_INFINITY) return x;
  let k: i32 = 0;
  let m = x;
  if (m < powerOfTwo(-1022)) {
    m *= powerOfTwo(54);
    k = -54;
  }
  const bits = reinterpret<u64>(m);
  k += <i32> (bits >> 52) - 1023;
  m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000);
  if (m > reinterpret<f64>(0x3ff6a09e667f3bcd)) {
    m *= 0.5;
    k += 1;
  }
  const f = m - 1.0;
  const s = f / (2.0 + f);
  const z = s * s;
  let p: f64 = 1.0 / 23.0;
  p = p * z + 1.0 / 21.0;
  p = p * z + 1.0 / 19.0;
  p = p * z + 1.0 / 17.0;
  p = p * z + 1.0 / 15.0;
  p = p * z + 1.0 / 13.0;
  p = p * z + 1.0 / 11.0;
  p = p * z + 1.0 / 9.0;
  p = p * z + 1.0 / 7.0;
  p = p * z + 1.0 / 5.0;
  p = p * z + 1.0 / 3.0;
  const t = s + s;
  return <f64> k * LN2_HIGH + (t + ((t * z) * p + <f64> k * LN2_LOW));
}

// @ts-ignore: decorator

@inline
function quarters(x: f64): f64 {
  return nearest<f64>(x * reinterpret<f64>(0x3fe45f306dc9c883));
}

// @ts-ignore: decorator

@inline
function reduced(x: f64, n: f64): f64 {
  return ((x - n * reinterpret<f64>(0x3ff921fb54400000)) -
    n * reinterpret<f64>(0x3dd0b4611a600000)) - n * reinterpret<f64>(0x3ba3198a2e037073);
}

function sinReduced(r: f64): f64 {
  const z = r * r;
  let p = F17;
  p = F15 - p * z;
  p = F13 - p * z;
  p = F11 - p * z;
  p = F9 - p * z;
  p = F7 - p * z;
  p = F5 - p * z;
  p = F3 - p * z;
  return r + (r * z) * -p;
}

function cosReduced(r: f64): f64 {
  const z = r * r;
  let p = F16;
  p = F14 - p * z;
  p = F12 - p * z;
  p = F10 - p * z;
  p = F8 - p * z;
  p = F6 - p * z;
  p = F4 - p * z;
  p = F2 - p * z;
  return 1.0 + z * -p;
}

/** sin x for |x| up to 2^21. */
export function sin(x: f64): f64 {
  const n = quarters(x);
  const r = reduced(x, n);
  const q = <i32> n & 3;
  const value = q & 1 ? cosReduced(r) : sinReduced(r);
  return q & 2 ? -value : value;
}

/** cos x for |x| up to 2^21. */
export function cos(x: f64): f64 {
  const n = quarters(x);
  const r = reduced(x, n);
  const q = <i32> n & 3;
  const value = q & 1 ? sinReduced(r) : cosReduced(r);
  return q == 1 || q == 2 ? -value : value;
}
