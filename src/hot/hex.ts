/** Hexadecimal digits of bytes, in lower case, and bytes of such digits. The only place for either. */

const PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
);

/** The value of each lowercase digit by its character code; -1 for all others below 128. */
const VALUES = Int8Array.from(
  { length: 128 },
  (_, code) => "0123456789abcdef".indexOf(String.fromCharCode(code)),
);

/**
 * Two digits per byte for `length` bytes from `at`.
 *
 * @param at from 0
 * @param length bytes; both default to the whole of `bytes`
 */
export function encodeHex(bytes: Uint8Array, at = 0, length: number = bytes.length - at): string {
  let text = "";
  for (let i = at; i < at + length; i++) text += PAIRS[bytes[i] as number];
  return text;
}

/** The bytes of pairs of lowercase digits. @throws {SyntaxError} for anything else */
export function decodeHex(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(digits.length >> 1);
  decodeHexInto(digits, bytes);
  return bytes;
}

/**
 * The same into `out` from `at` on, for frames that are written digit by digit.
 *
 * @throws {SyntaxError} for anything but pairs of lowercase digits; what it wrote until then stays
 * @throws {RangeError} for more bytes than `out` has from `at` on
 */
export function decodeHexInto(digits: string, out: Uint8Array, at = 0): void {
  const end = at + (digits.length >> 1);
  if (end > out.length) {
    throw new RangeError(
      `Cannot write digits as ${out.length} bytes have room: current value is ${end}`,
    );
  }
  // Negative as soon as one value is, whatever the others are.
  let all = digits.length % 2 === 0 ? 0 : -1;
  for (let i = 0; at < end; i += 2) {
    const byte = valueAt(digits, i) << 4 | valueAt(digits, i + 1);
    all |= byte;
    out[at++] = byte;
  }
  if (all >= 0) return;
  throw new SyntaxError(
    `Cannot read bytes as they must be pairs of lowercase hexadecimal digits: current value is "${
      digits.slice(0, 80)
    }"`,
  );
}

function valueAt(digits: string, at: number): number {
  return VALUES[digits.charCodeAt(at)] ?? -1;
}
