/** Base64 at the speed of the runtime's own decoder: by `atob` some 100 ms a megabyte are lost. */
import { Buffer } from "node:buffer";

/**
 * Decodes what a build embedded; not for input, as letters that are not of base64 are skipped.
 *
 * @param text base64 by RFC 4648, section 4
 */
export function decodeEmbedded(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "base64")); // a copy, as small buffers share one array
}
