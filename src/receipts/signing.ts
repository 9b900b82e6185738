/** Signatures of statements. */
import { decodeHex } from "../hot/mod.ts";
import { hidOf, verifySignature } from "../identity/mod.ts";
import { ReceiptError } from "./errors.ts";

/** What statements are signed for; a stage's begins with byte 2, a requester's with a brace. */
export const receiptPurpose = "receipt";

/** Who signs: a key at hand, or a node's identity behind its host. */
export interface StatementSigner {
  sign(purpose: string, bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Checks a statement's signature. @throws {ReceiptError} "signature" */
export function checkSigned(
  { bytes, signature, key, who }: {
    readonly bytes: Uint8Array;
    readonly signature: Uint8Array;
    /** Public key that the statement names, hexadecimal. */
    readonly key: string;
    /** For people. */
    readonly who: string;
  },
): void {
  const publicKey = decodeHex(key);
  if (verifySignature({ publicKey, purpose: receiptPurpose, bytes, signature })) return;
  throw new ReceiptError({
    code: "signature",
    message: `Cannot trust a statement as the signature is not that of ${who} that it names, ${
      hidOf(publicKey).slice(0, 17)
    }`,
  });
}
