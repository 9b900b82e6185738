/**
 * Signed heads: a node says how far its journal has come, so that others can tell when it is cut back
 * or goes on differently. The signature is for the purpose "journal-head", over the canonical JSON of
 * `{author, root, size, tsMs}`.
 */
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { hidOf, verifySignature } from "../identity/mod.ts";
import type { Identity } from "../identity/mod.ts";
import { canonicalBytes } from "./canonical_json.ts";

/** What signatures of heads are made for. */
export const headPurpose = "journal-head";

/** How far a journal had come at a time, by its author. */
export interface LogHead {
  /** Events. */
  readonly size: number;
  /** Root of the tree of RFC 6962 over their hashes, 64 hex digits. */
  readonly root: string;
  /** When it was signed, Unix milliseconds by the author's clock; never before the last event. */
  readonly tsMs: number;
}

/** A head with its author's signature. */
export interface SignedLogHead extends LogHead {
  /** Ed25519, 128 hex digits. */
  readonly signature: string;
}

/** Signs a head. */
export function signHead(identity: Identity, { size, root, tsMs }: LogHead): SignedLogHead {
  const head = { size, root, tsMs };
  const signature = identity.sign(headPurpose, headBytes(head, identity.hid));
  return { ...head, signature: encodeHex(signature) };
}

/** Whether a head is that of the owner of a public key (32 B). Never throws for a head of any form. */
export function isHeadOf(head: SignedLogHead, publicKey: Uint8Array): boolean {
  const { size, root, tsMs, signature } = head;
  const hasForm = Number.isSafeInteger(size) && size >= 0 && Number.isSafeInteger(tsMs) &&
    tsMs >= 0 && /^[0-9a-f]{64}$/.test(root) && /^[0-9a-f]{128}$/.test(signature);
  return hasForm && verifySignature({
    publicKey,
    purpose: headPurpose,
    bytes: headBytes(head, hidOf(publicKey)),
    signature: decodeHex(signature),
  });
}

function headBytes({ size, root, tsMs }: LogHead, author: string): Uint8Array {
  return canonicalBytes({ author, root, size, tsMs });
}
