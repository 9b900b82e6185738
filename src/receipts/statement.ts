/**
 * What is signed: a stage's statement of what it computed in one session, and a requester's of what
 * it asked for and got. Format: docs/RECEIPTS.md.
 *
 * A statement travels as the canonical JSON (RFC 8785) that was signed, as text, so that what is
 * verified is what was received.
 */
import * as v from "valibot";
import { hidOf, verifySignature } from "../identity/mod.ts";
import { canonicalJson } from "../journal/mod.ts";
import { ReceiptError } from "./errors.ts";

/** Longest statement of a stage, in bytes: it does not grow with the answer. */
export const stageStatementBytesMax = 4096;
/** Longest statement of a requester, in bytes. */
export const requestStatementBytesMax = 65_536;

const hex32 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits"));
const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{128}$/, "it must be 128 hexadecimal digits"));
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 24));
const shortText = v.pipe(v.string(), v.minLength(1), v.maxLength(128));

/** Names one request, its parties and its arithmetic: the same in all statements of a receipt. */
const subject = {
  /** 32 random bytes, drawn by the requester for this request alone. */
  request: hex32,
  /** Public key of who asked. */
  requester: hex32,
  /** Public key of who pays. */
  payer: hex32,
  /** BLAKE3 root of the model file. */
  root: hex32,
  /** Numeric class. */
  class: shortText,
};

const positions = v.strictObject({ from: count, to: count });

/** What a stage signs, at the close of a session and at each renewal of its lease. */
export const stageStatement = v.strictObject({
  kind: v.literal("skep-stage/1"),
  ...subject,
  /** Public key of the stage. */
  stage: hex32,
  embedding: v.boolean(),
  /** Layers `from` to before `to`; none where both are equal. */
  layers: positions,
  head: v.boolean(),
  /** Positions that it computed for this request, replays included: `from` to before `to`. */
  positions,
  /**
   * Root over what it was given: for a stage with the embedding the BLAKE3 of each token (4 bytes,
   * little endian), else the digest of each row of activations (section 7.1 of the class).
   */
  inputRoot: hex32,
  /** Root over the rows that it gave after its last layer, or its embedding where it has no layer. */
  outputRoot: hex32,
  /** Of a stage with the head: root over the digests of the rows of logits that it gave. */
  logits: v.optional(v.strictObject({ positions, root: hex32 })),
  /** Counts its statements for this session, from 1; the last one holds. */
  serial: v.pipe(count, v.minValue(1)),
  signedAtMs: v.pipe(v.number(), v.safeInteger(), v.minValue(0)),
});

/** A stage's statement. */
export type StageStatement = Readonly<v.InferOutput<typeof stageStatement>>;

/** What a requester signs when its answer is complete. */
export const requestStatement = v.strictObject({
  kind: v.literal("skep-request/1"),
  ...subject,
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
  /** SHA-256 of each stage's statement, in the order of the layers. */
  stages: v.pipe(v.array(hex32), v.maxLength(1024)),
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

/** What statements are signed for. */
const purpose = "receipt";

/** Who signs: a key at hand, or a node's identity behind its host. */
export interface StatementSigner {
  sign(purpose: string, bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Signs a statement. */
export async function signStatement(
  statement: StageStatement | RequestStatement,
  signer: StatementSigner,
): Promise<SignedStatement> {
  const text = canonicalJson(statement);
  const signature = await signer.sign(purpose, new TextEncoder().encode(text));
  return { statement: text, signature: hexOf(signature) };
}

/**
 * A stage's statement, its signature checked.
 *
 * @throws {ReceiptError} "malformed" or "signature", naming what is wrong
 */
export function openStageStatement(signed: SignedStatement): StageStatement {
  const bytesMax = stageStatementBytesMax;
  const opened = open(signed, { schema: stageStatement, what: "a stage's statement", bytesMax });
  checkRanges(opened);
  checkSignature(signed, { key: opened.stage, who: "the stage" });
  return opened;
}

/**
 * A requester's statement, its signature checked.
 *
 * @throws {ReceiptError} "malformed" or "signature", naming what is wrong
 */
export function openRequestStatement(signed: SignedStatement): RequestStatement {
  const bytesMax = requestStatementBytesMax;
  const what = "a requester's statement";
  const opened = open(signed, { schema: requestStatement, what, bytesMax });
  checkSignature(signed, { key: opened.requester, who: "the requester" });
  return opened;
}

/** Bytes of 64 or 128 hexadecimal digits. */
export function bytesOfHex(digits: string): Uint8Array {
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(2 * i, 2 * i + 2), 16),
  );
}

/** Hexadecimal digits, lower case. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function open<S extends v.GenericSchema>(
  { statement }: SignedStatement,
  about: { readonly schema: S; readonly what: string; readonly bytesMax: number },
): v.InferOutput<S> {
  const { schema, what, bytesMax } = about;
  const malformed = (why: string, cause?: unknown): ReceiptError =>
    new ReceiptError({ code: "malformed", message: `Cannot read ${what} as ${why}`, cause });
  if (statement.length > bytesMax) {
    throw malformed(
      `it must have at most ${bytesMax} characters: current value is ${statement.length}`,
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(statement);
  } catch (cause) {
    throw malformed("it is no JSON", cause);
  }
  const checked = v.safeParse(schema, value);
  if (!checked.success) {
    const [issue] = checked.issues;
    throw malformed(`${v.getDotPath(issue) ?? "the whole"} is wrong: ${issue.message}`);
  }
  // What was signed has one spelling, so that equal statements have equal digests.
  if (canonicalJson(checked.output) !== statement) throw malformed("it is not canonical JSON");
  return checked.output;
}

function checkRanges({ layers, positions, logits, head }: StageStatement): void {
  const ranges = [layers, positions, ...logits === undefined ? [] : [logits.positions]];
  const isOrdered = ranges.every(({ from, to }) => from <= to);
  if (isOrdered && (logits === undefined || head)) return;
  throw new ReceiptError({
    code: "malformed",
    message: isOrdered
      ? "Cannot read a stage's statement as it has logits but no head"
      : "Cannot read a stage's statement as a range ends before it begins",
  });
}

function checkSignature(
  { statement, signature }: SignedStatement,
  { key, who }: { readonly key: string; readonly who: string },
): void {
  const publicKey = bytesOfHex(key);
  const bytes = new TextEncoder().encode(statement);
  const isSigned = verifySignature({
    publicKey,
    purpose,
    bytes,
    signature: bytesOfHex(signature),
  });
  if (isSigned) return;
  throw new ReceiptError({
    code: "signature",
    message: `Cannot trust a statement as the signature is not that of ${who} that it names, ${
      hidOf(publicKey).slice(0, 17)
    }`,
  });
}
