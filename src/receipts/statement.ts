/**
 * What a requester signs: what it asked for and got. Format: docs/RECEIPTS.md.
 *
 * The statement travels as the canonical JSON (RFC 8785) that was signed, as text, so that what is
 * verified is what was received.
 */
import * as v from "valibot";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { canonicalJson } from "../journal/mod.ts";
import { checkedJson, malformed } from "./_checked_json.ts";
import { count, hex32, hex64 } from "./_forms.ts";
import { openingMembers } from "./opening.ts";
import { checkSigned, receiptPurpose } from "./signing.ts";
import type { StatementSigner } from "./signing.ts";

/** Longest statement of a requester, in bytes. */
export const requestStatementBytesMax = 65_536;

const shortText = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

/** What a requester signs when its answer is complete. */
export const requestStatement = v.strictObject({
  kind: v.literal("skep-request/2"),
  ...openingMembers,
  promptTokens: count,
  outputTokens: count,
  /** SHA-256 over the salt and the tokens (4 bytes each, little endian). */
  promptCommitment: hex32,
  outputCommitment: hex32,
  /** SHA-256 over the salt and the canonical JSON of what the answer was held to. */
  constraintCommitment: hex32,
  /** The seed that was used, drawn or given. */
  seed: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
  /** How tokens were chosen; names as the sampler's (section 6 of the class). */
  sampling: v.record(shortText, v.union([v.number(), v.record(v.string(), v.number())])),
  maxTokens: count,
  contextMax: count,
  /** SHA-256 over what all stages signed, in the order of the layers. */
  stages: hex32,
  signedAtMs: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** A requester's statement. */
export type RequestStatement = Readonly<v.InferOutput<typeof requestStatement>>;

/** A statement as it travels. */
export const signedStatement = v.strictObject({
  /** The canonical JSON that was signed. */
  statement: v.pipe(v.string(), v.maxLength(requestStatementBytesMax)),
  /** Ed25519, for the purpose "receipt". */
  signature: hex64,
});

/** A statement and its signature. */
export type SignedStatement = Readonly<v.InferOutput<typeof signedStatement>>;

/** Signs a requester's statement. */
export async function signStatement(
  statement: RequestStatement,
  signer: StatementSigner,
): Promise<SignedStatement> {
  const text = canonicalJson(statement);
  const signature = await signer.sign(receiptPurpose, new TextEncoder().encode(text));
  return { statement: text, signature: encodeHex(signature) };
}

/**
 * A requester's statement, its signature checked.
 *
 * @throws {ReceiptError} "malformed" or "signature", naming what is wrong
 */
export function openRequestStatement(
  { statement, signature }: SignedStatement,
): RequestStatement {
  const opened = read(statement);
  checkSigned({
    bytes: new TextEncoder().encode(statement),
    signature: decodeHex(signature),
    key: opened.requester,
    who: "the requester",
  });
  return opened;
}

function read(statement: string): RequestStatement {
  const what = "a requester's statement";
  const lengthMax = requestStatementBytesMax;
  const value = checkedJson(requestStatement, { source: statement, lengthMax, what });
  // What was signed has one spelling, so that equal statements have equal digests.
  if (canonicalJson(value) === statement) return value;
  throw malformed(what, "it is not canonical JSON");
}
