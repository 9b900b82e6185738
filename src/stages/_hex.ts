/** Bytes from hexadecimal digits. */

/** Writes the bytes of `digits` (lowercase, an even number) to `out` from `at` on. */
// tidy: allow positional-parameters as it is called for every session of every frame
export function decodeHex(digits: string, out: Uint8Array, at = 0): void {
  for (let i = 0; i < digits.length; i += 2) {
    out[at++] = nibble(digits.charCodeAt(i)) << 4 | nibble(digits.charCodeAt(i + 1));
  }
}

/** The bytes of `digits`. */
export function bytesOfHex(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.length >>> 1);
  decodeHex(digits, bytes);
  return bytes;
}

function nibble(code: number): number {
  return code <= 57 ? code - 48 : code - 87;
}
