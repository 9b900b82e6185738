/**
 * A signed document: 64 bytes of Ed25519 signature, then canonical JSON (RFC 8785).
 *
 * What is verified is the received bytes, before anything else looks at them; they must be canonical,
 * so that there is one text for one value and no name is given twice.
 */
import * as v from "valibot";
import { decodeHex } from "../hot/mod.ts";
import { verifySignature } from "../identity/mod.ts";
import { canonicalBytes, isSameBytes } from "../journal/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { frameRefusal, issueText } from "./json_frame.ts";

/** Bytes of a signature. */
const signatureBytes = 64;

/** Arrays and objects inside each other, at most. */
const depthMax = 12;

const notCanonical = "it is not canonical JSON";

/** Signs for a purpose: `host.identity.sign`, or an `Identity`'s. */
export type Signer = (purpose: string, bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** A document of one kind. */
export interface SignedKind<T> {
  /** What it is signed for: "roster", "hello". */
  readonly purpose: string;
  /** Bytes with the signature, at most. */
  readonly bytesMax: number;
  readonly schema: v.GenericSchema<unknown, T>;
}

/**
 * Signs a value.
 *
 * @throws {RangeError} when it would be longer than readers take
 */
export async function sealSigned<T>(
  kind: SignedKind<T>,
  about: { readonly value: T; readonly sign: Signer },
): Promise<Uint8Array> {
  const bytesMax = kind.bytesMax - signatureBytes;
  const body = canonicalBytes(about.value, { bytesMax, depthMax });
  const signature = await about.sign(kind.purpose, body);
  const bytes = new Uint8Array(signatureBytes + body.length);
  bytes.set(signature);
  bytes.set(body, signatureBytes);
  return bytes;
}

/**
 * Verifies and reads a document.
 *
 * @param key whose signature it must have
 * @throws {MembershipError} "too-long", "signature", "malformed"
 */
export function openSigned<T>(
  kind: SignedKind<T>,
  about: { readonly bytes: Uint8Array; readonly key: PeerKey },
): T {
  const { bytes, key } = about;
  const what = `${kind.purpose} of ${bytes.length} bytes`;
  if (bytes.length > kind.bytesMax) {
    throw frameRefusal({ what, code: "too-long", why: `it may have at most ${kind.bytesMax}` });
  }
  if (bytes.length <= signatureBytes) throw frameRefusal({ what, why: "it is cut" });
  const body = bytes.subarray(signatureBytes);
  const publicKey = decodeHex(key);
  const signature = bytes.subarray(0, signatureBytes);
  if (!verifySignature({ publicKey, purpose: kind.purpose, bytes: body, signature })) {
    const why = `its signature is not that of key ${key.slice(0, 12)}`;
    throw frameRefusal({ what, code: "signature", why });
  }
  const checked = v.safeParse(kind.schema, parseJson(body, what));
  if (checked.success) return checked.output;
  throw frameRefusal({ what, why: issueText(checked.issues) });
}

/** JSON of bounded bytes that is canonical. */
function parseJson(body: Uint8Array, what: string): unknown {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
    if (isSameBytes(canonicalBytes(value, { depthMax, bytesMax: body.length }), body)) return value;
  } catch (cause) {
    throw frameRefusal({ what, why: notCanonical, cause });
  }
  throw frameRefusal({ what, why: notCanonical });
}
