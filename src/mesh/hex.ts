/** Bytes of hexadecimal digits, for keys, nonces and hashes whose form has been checked. */

/** The value of each lowercase digit by its character code; -1 for all other characters below 128. */
const digits = Int8Array.from(
  { length: 128 },
  (_, code) => "0123456789abcdef".indexOf(String.fromCharCode(code)),
);

/** The bytes of lowercase digits. @throws {SyntaxError} for anything else */
export function bytesOfHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length >> 1);
  let isRight = text.length % 2 === 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = digitAt(text, 2 * i) * 16 + digitAt(text, 2 * i + 1);
    isRight &&= byte >= 0;
    bytes[i] = byte;
  }
  if (isRight) return bytes;
  throw new SyntaxError(
    `Cannot read bytes as they must be pairs of hexadecimal digits: current value is "${
      text.slice(0, 80)
    }"`,
  );
}

/** -1024 for what is no digit, so that no other digit makes the byte positive. */
function digitAt(text: string, at: number): number {
  const digit = digits[text.charCodeAt(at)] ?? -1;
  return digit < 0 ? -1024 : digit;
}
