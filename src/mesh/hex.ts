/** Bytes of hexadecimal digits, for keys, nonces and hashes whose form has been checked. */

/** The bytes of lowercase digits. @throws {SyntaxError} for anything else */
export function bytesOfHex(text: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(text)) {
    throw new SyntaxError(
      `Cannot read bytes as they must be pairs of hexadecimal digits: current value is "${
        text.slice(0, 80)
      }"`,
    );
  }
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) bytes[i] = parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
