/**
 * What all statements of a receipt are about: who asks whom for what, and under which id. The
 * requester's statement says it; those of stages have its digest.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { canonicalJson } from "../journal/mod.ts";
import { hex16, hex32 } from "./_forms.ts";

/** The members of an opening, for the schema of what has them. */
export const openingMembers = {
  /** 32 random bytes, drawn by the requester for this request alone. */
  request: hex32,
  /** Public key of who asked. */
  requester: hex32,
  /** Public key of who pays. */
  payer: hex32,
  /** BLAKE3 root of the model file. */
  root: hex32,
  /** Numeric class. */
  class: v.pipe(v.string(), v.minLength(1), v.maxLength(128)),
  /** Id of the session at its stages, 16 bytes; null where the requester computed alone. */
  session: v.nullable(hex16),
};

const openingSchema = v.strictObject(openingMembers);

/** An opening. */
export type Opening = Readonly<v.InferOutput<typeof openingSchema>>;

/** SHA-256 over the canonical JSON (RFC 8785) of the six members, hexadecimal. */
export function openingDigest(about: Opening): string {
  const { request, requester, payer, root, class: numericClass, session } = about;
  const text = canonicalJson({ request, requester, payer, root, class: numericClass, session });
  return createHash("sha256").update(text).digest("hex");
}
