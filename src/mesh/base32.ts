/**
 * Base32 (RFC 4648 section 6) in lower case and without padding: letters and digits alone, so that a
 * double click selects a whole ticket. Bits that are left over must be zero, so that there is one
 * text for one value.
 */

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
const values: ReadonlyMap<string, number> = new Map([...alphabet].map((digit, i) => [digit, i]));

/** The text of bytes. */
export function encodeBase32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8 | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[held >>> (bits - 5) & 31];
  }
  return bits === 0 ? text : text + alphabet[held << (5 - bits) & 31];
}

/** The bytes of a text; undefined when it is no such text. */
export function decodeBase32(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(Math.floor(text.length * 5 / 8));
  let count = 0;
  let bits = 0;
  let held = 0;
  for (const digit of text) {
    const value = values.get(digit);
    if (value === undefined) return undefined;
    held = (held << 5 | value) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes[count++] = held >>> bits & 255;
  }
  const isWhole = bits < 5 && (held & ((1 << bits) - 1)) === 0;
  return isWhole ? bytes : undefined;
}
