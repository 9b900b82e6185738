/**
 * SHA-256 (FIPS 180-4) in plain TypeScript, for the few bytes of a tree's node: a call of the
 * runtime's costs ten times the work there. Not for long inputs, for which `node:crypto` is faster.
 */

/** Bytes of a digest. */
export const digestBytes = 32;

/** Round constants: the first 32 bits behind the point of the cube roots of the first 64 primes. */
const rounds: Int32Array = Int32Array.from(primes(64), (prime) => fraction(prime, 3n));
/** Initial state: the same of the square roots of the first 8. */
const initial: Int32Array = Int32Array.from(primes(8), (prime) => fraction(prime, 2n));

/** What a computation needs, made once: the schedule, the state, and the last one or two blocks. */
const schedule = new Int32Array(64);
const state = new Int32Array(8);
const tail = new Uint8Array(128);
const tailView = new DataView(tail.buffer);

/** The digest of `bytes`, 32 B. Not reentrant, which synchronous code can't be. */
export function sha256Of(bytes: Uint8Array): Uint8Array {
  state.set(initial);
  let at = 0;
  for (; at + 64 <= bytes.length; at += 64) compress(bytes, at);
  const rest = bytes.length - at;
  const end = rest < 56 ? 64 : 128;
  tail.fill(0);
  for (let i = 0; i < rest; i++) tail[i] = bytes[at + i] as number;
  tail[rest] = 0x80;
  tailView.setUint32(end - 8, Math.floor(bytes.length / 2 ** 29));
  tailView.setUint32(end - 4, bytes.length << 3);
  for (let block = 0; block < end; block += 64) compress(tail, block);
  const digest = new Uint8Array(digestBytes);
  for (let i = 0; i < digestBytes; i++) {
    digest[i] = (state[i >> 2] as number) >>> (24 - 8 * (i & 3));
  }
  return digest;
}

// Indices are within bounds by the loops, and a check would cost as much as the work.
function compress(bytes: Uint8Array, at: number): void {
  const w = schedule;
  for (let i = 0; i < 16; i++) {
    const j = at + 4 * i;
    w[i] = ((bytes[j] as number) << 24) | ((bytes[j + 1] as number) << 16) |
      ((bytes[j + 2] as number) << 8) | (bytes[j + 3] as number);
  }
  for (let i = 16; i < 64; i++) {
    const x = w[i - 15] as number;
    const y = w[i - 2] as number;
    const low = rotated(x, 7) ^ rotated(x, 18) ^ (x >>> 3);
    const high = rotated(y, 17) ^ rotated(y, 19) ^ (y >>> 10);
    w[i] = ((w[i - 16] as number) + low + (w[i - 7] as number) + high) | 0;
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let f = state[5] as number;
  let g = state[6] as number;
  let h = state[7] as number;
  for (let i = 0; i < 64; i++) {
    const high = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const one = (h + high + ((e & f) ^ (~e & g)) + (rounds[i] as number) + (w[i] as number)) | 0;
    const low = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const two = (low + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + one) | 0;
    d = c;
    c = b;
    b = a;
    a = (one + two) | 0;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
  state[5] = (state[5] as number) + f;
  state[6] = (state[6] as number) + g;
  state[7] = (state[7] as number) + h;
}

function rotated(word: number, by: number): number {
  return (word >>> by) | (word << (32 - by));
}

function primes(count: number): bigint[] {
  const found: bigint[] = [];
  for (let n = 2n; found.length < count; n++) {
    if (found.every((prime) => n % prime !== 0n)) found.push(n);
  }
  return found;
}

/** The first 32 bits behind the point of the root of a prime, by whole numbers alone. */
function fraction(prime: bigint, degree: bigint): number {
  const scaled = prime << (32n * degree);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) / 2n;
    if (middle ** degree <= scaled) low = middle;
    else high = middle;
  }
  return Number(BigInt.asIntN(32, low));
}
