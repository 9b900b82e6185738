/** Hexadecimal digits of bytes, in lower case. */

const PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => byte.toString(16).padStart(2, "0"),
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
