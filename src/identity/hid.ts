/**
 * Hid: a node's id, the SHA-256 of its Ed25519 public key. Its text form is "skep_" and 64 lowercase
 * hex digits; the short form, for logs, has the first 12. Self-certifying: who has a public key can
 * check that it belongs to a Hid.
 */
import { createHash } from "node:crypto";

/** Bytes of an Ed25519 public key (RFC 8032 section 5.1.5). */
export const publicKeyBytes = 32;

const HID_PATTERN = /^skep_[0-9a-f]{64}$/;

/** The Hid of a 32-byte public key. @throws {RangeError} for another length */
export function hidOf(publicKey: Uint8Array): string {
  if (publicKey.length !== publicKeyBytes) {
    throw new RangeError(
      `Cannot name a public key as it must have ${publicKeyBytes} bytes: current value is ${publicKey.length}`,
    );
  }
  return `skep_${createHash("sha256").update(publicKey).digest("hex")}`;
}

/** Whether `text` is a Hid in its long form. */
export function isHid(text: string): boolean {
  return HID_PATTERN.test(text);
}

/** The short form of a Hid: "skep_" and 12 hex digits; for people, not for comparing. */
export function shortHidOf(hid: string): string {
  return hid.slice(0, "skep_".length + 12);
}
