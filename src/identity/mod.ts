/**
 * Who a node is: its Ed25519 key, the id made of it, and signatures that carry a purpose.
 *
 * @example
 * ```ts
 * const identity = await openIdentity({ disk, random, path: "/var/lib/skep/node.key" });
 * const signature = identity.sign("journal", bytes);
 * verifySignature({ publicKey: identity.publicKey, purpose: "journal", bytes, signature }); // true
 * ```
 *
 * @module
 */
export { openIdentity, readIdentity } from "./key_file.ts";
export type { KeyFile } from "./key_file.ts";
export { identityFromSeed, mintIdentity } from "./identity.ts";
export type { Identity } from "./identity.ts";
export { createVerifier, verifySignature } from "./verify.ts";
export type { SignedBytes, Verifier } from "./verify.ts";
export { IdentityError } from "./errors.ts";
export type { IdentityErrorCode } from "./errors.ts";
export { hidOf, isHid, publicKeyBytes, shortHidOf } from "./hid.ts";
