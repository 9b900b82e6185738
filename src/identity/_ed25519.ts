/**
 * Ed25519 (RFC 8032) from raw bytes over node:crypto, which takes keys in DER only. No purpose is added
 * here; only this folder may call it.
 */
import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { decodeHex, encodeHex } from "../hot/mod.ts";

/** Bytes of a private seed, and of a public key. */
export const SEED_BYTES = 32;

/** Bytes of a signature. */
export const SIGNATURE_BYTES = 64;

/**
 * RFC 8410 section 7: SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.112 }, OCTET STRING { OCTET STRING
 * of 32 bytes } }, up to the seed itself.
 */
const PKCS8_PREFIX = decodeHex("302e020100300506032b657004220420");

/** RFC 8410 section 4: SEQUENCE { SEQUENCE { OID 1.3.101.112 }, BIT STRING of 32 bytes }. */
const SPKI_PREFIX = decodeHex("302a300506032b6570032100");

/** A private key from its seed; the copy made on the way is wiped. */
export function privateKeyFromSeed(seed: Uint8Array): KeyObject {
  const der = new Uint8Array(PKCS8_PREFIX.length + SEED_BYTES);
  der.set(PKCS8_PREFIX);
  der.set(seed, PKCS8_PREFIX.length);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  der.fill(0);
  return key;
}

/** The raw public key of a private one. */
export function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey).export({ format: "der", type: "spki" });
  return Uint8Array.from(der.subarray(SPKI_PREFIX.length));
}

/** Public keys that are kept decoded: twice the members of the greatest mesh. */
const PUBLIC_KEYS_MAX = 1024;

/** By the text of their bytes; the one that was asked for first goes first. */
const publicKeys = new Map<string, KeyObject | undefined>();

/** A public key object from its 32 raw bytes; `undefined` when the platform refuses them. */
export function tryPublicKey(raw: Uint8Array): KeyObject | undefined {
  if (raw.length !== SEED_BYTES) return undefined;
  const text = encodeHex(raw);
  if (publicKeys.has(text)) return publicKeys.get(text);
  for (const oldest of publicKeys.keys()) {
    if (publicKeys.size < PUBLIC_KEYS_MAX) break;
    publicKeys.delete(oldest);
  }
  const key = decodePublicKey(raw);
  publicKeys.set(text, key);
  return key;
}

function decodePublicKey(raw: Uint8Array): KeyObject | undefined {
  const der = new Uint8Array(SPKI_PREFIX.length + raw.length);
  der.set(SPKI_PREFIX);
  der.set(raw, SPKI_PREFIX.length);
  try {
    return createPublicKey({ key: der, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

/** The 64-byte signature of `message`. */
export function signRaw(privateKey: KeyObject, message: Uint8Array): Uint8Array {
  return Uint8Array.from(sign(null, message, privateKey));
}

/** Whether `signature` is `message`'s under the key; false, never a throw, for garbage. */
export function verifyRaw(
  publicKey: KeyObject,
  signed: { readonly message: Uint8Array; readonly signature: Uint8Array },
): boolean {
  if (signed.signature.length !== SIGNATURE_BYTES) return false;
  try {
    return verify(null, signed.message, publicKey, signed.signature);
  } catch {
    return false;
  }
}
