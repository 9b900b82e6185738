/**
 * GPT-2's alphabet of bytes: vocabularies of byte-level BPE write each byte as one printable character.
 *
 * The printable bytes of Latin-1 stand for themselves; the others, in order, for U+0100 and up.
 */

/** Byte to character code. */
export const CODE_OF_BYTE: Uint16Array = makeCodes();

const BYTE_OF_CODE: ReadonlyMap<number, number> = new Map(
  Array.from(CODE_OF_BYTE, (code, byte) => [code, byte]),
);

/** The bytes that a token's text spells, or undefined when it has characters outside the alphabet. */
export function bytesOfSpelling(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const byte = BYTE_OF_CODE.get(text.charCodeAt(i));
    if (byte === undefined) return undefined;
    bytes[i] = byte;
  }
  return bytes;
}

/** How bytes are written in a vocabulary. */
export function spellingOfBytes(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(CODE_OF_BYTE[byte] ?? 0);
  return text;
}

function makeCodes(): Uint16Array {
  const codes = new Uint16Array(256);
  let next = 0x100;
  for (let byte = 0; byte < 256; byte++) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte !== 0xad);
    codes[byte] = printable ? byte : next++;
  }
  return codes;
}
