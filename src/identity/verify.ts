/** Checking signatures; never throws, whatever it is given. */
import { tryPublicKey, verifyRaw } from "./_ed25519.ts";
import { isPurpose, purposeMessage } from "./purpose.ts";

/** What a signature is checked against. */
export interface SignedBytes {
  /** What it was made for; a malformed purpose verifies nothing. */
  readonly purpose: string;
  /** The bytes as they were received. */
  readonly bytes: Uint8Array;
  /** 64 bytes. */
  readonly signature: Uint8Array;
}

/** Checks signatures of one public key. */
export type Verifier = (signed: SignedBytes) => boolean;

/** A checker for many signatures of one key; of a malformed key, one that says no to everything. */
export function createVerifier(publicKey: Uint8Array): Verifier {
  const key = tryPublicKey(publicKey);
  return ({ purpose, bytes, signature }): boolean => {
    if (key === undefined || !isPurpose(purpose)) return false;
    return verifyRaw(key, { message: purposeMessage(purpose, bytes), signature });
  };
}

/** Whether the signature is the key's, for this purpose and these bytes. */
export function verifySignature(signed: SignedBytes & { readonly publicKey: Uint8Array }): boolean {
  return createVerifier(signed.publicKey)(signed);
}
