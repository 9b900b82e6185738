/**
 * Purpose separation: what is signed is "skep/<purpose>/v1", a zero byte, then the bytes, so that a
 * signature made for one use can never be shown as one for another.
 */

const PURPOSE_PATTERN = /^[a-z][a-z0-9-]*$/;

/** Whether `purpose` may be signed for: lowercase letters, digits and hyphens, a letter first. */
export function isPurpose(purpose: string): boolean {
  return PURPOSE_PATTERN.test(purpose);
}

/** The message that is really signed. @throws {SyntaxError} for a malformed purpose */
export function purposeMessage(purpose: string, bytes: Uint8Array): Uint8Array {
  if (!isPurpose(purpose)) {
    throw new SyntaxError(
      `Cannot sign as 'purpose' must match ${PURPOSE_PATTERN.source}: current value is "${purpose}"`,
    );
  }
  const prefix = new TextEncoder().encode(`skep/${purpose}/v1\0`);
  const message = new Uint8Array(prefix.length + bytes.length);
  message.set(prefix);
  message.set(bytes, prefix.length);
  return message;
}
