/**
 * Base64 (RFC 4648, section 4) by the functions that every runtime has.
 */

/** Letters of one piece: a call with more arguments than this may fail. */
const pieceBytes = 8192;

/** Writes bytes as base64. */
export function encodeBase64(bytes: Uint8Array): string {
  let letters = "";
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    letters += String.fromCharCode(...bytes.subarray(at, at + pieceBytes));
  }
  return btoa(letters);
}

/** Reads base64. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
