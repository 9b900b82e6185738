/**
 * What a stage signs: what it computed in one session. Format: docs/RECEIPTS.md.
 *
 * Bytes of a length that does not depend on the answer, numbers little endian:
 *
 *     0    u8   2, the version
 *     1    u8   bit 0: tokens came; bit 1: it has the head; bit 2: it gave logits
 *     2    u16  layers, from and (at 4) to before
 *     6    u32  serial
 *     10   u32  positions, from and (at 14) to before
 *     18   u64  signed at, in Unix milliseconds
 *     26   32   digest of the opening (opening.ts)
 *     58   32   public key of the stage
 *     90   32   root over what it was given
 *     122  32   root over what it gave
 *     154  u32  logits: positions from and (at 158) to before, where bit 2 is set
 *     162  32   root over the logits, where bit 2 is set
 *     ..   64   Ed25519 for the purpose "receipt" over all that comes before
 *
 * It travels as base64url without padding. What says the same for all stages of a receipt is said
 * once, by the requester's statement.
 */
import { createHash } from "node:crypto";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { ReceiptError } from "./errors.ts";
import { checkSigned, receiptPurpose } from "./signing.ts";
import type { StatementSigner } from "./signing.ts";

const version = 2;
const bytesWithoutLogits = 154;
const bytesWithLogits = 194;
const signatureBytes = 64;

/** Bytes of a stage's statement and signature at most, however long the answer. */
export const stageStatementBytesMax: number = bytesWithLogits + signatureBytes;

/** What base64url makes of them: what a schema may take before it is read. */
export const stageStatementCharactersMax: number = Math.ceil(stageStatementBytesMax * 4 / 3);

const layerMax = 0xffff;
const serialMax = 0xffffffff;
/** Positions are below 2^24. */
const positionMax = 2 ** 24;

/** From `from` to before `to`. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** A stage's statement. Keys, digests and roots are lowercase hexadecimal. */
export interface StageStatement {
  /** Digest of the session's opening: request, parties, model and class. */
  readonly opening: string;
  /** Public key of the stage. */
  readonly stage: string;
  /** Whether tokens came. */
  readonly embedding: boolean;
  /** None where both ends are equal. */
  readonly layers: Span;
  readonly head: boolean;
  /** What it computed for this request, replays included. */
  readonly positions: Span;
  /**
   * Root over what it was given: where tokens came the BLAKE3 of each (4 bytes, little endian), else
   * the digest of each row of activations (section 7.1 of the class).
   */
  readonly inputRoot: string;
  /** Root over the rows that it gave after its last layer, or its embedding where it has no layer. */
  readonly outputRoot: string;
  /** Of a stage with the head: the digests of the rows of logits that it gave. */
  readonly logits: (Span & { readonly root: string }) | undefined;
  /** Counts its statements for this session, from 1; the last one holds. */
  readonly serial: number;
  readonly signedAtMs: number;
}

/** Signs a statement. @throws {RangeError} when a number has no room */
export async function signStageStatement(
  statement: StageStatement,
  signer: StatementSigner,
): Promise<string> {
  const bytes = encode(statement);
  const signature = await signer.sign(receiptPurpose, bytes);
  const whole = new Uint8Array(bytes.length + signatureBytes);
  whole.set(bytes);
  whole.set(signature, bytes.length);
  return toBase64Url(whole);
}

/**
 * A stage's statement, its signature checked.
 *
 * @throws {ReceiptError} "malformed" or "signature", naming what is wrong
 */
export function openStageStatement(signed: string): StageStatement {
  const whole = fromBase64Url(signed);
  const [first, flags = 0] = whole;
  if (first !== undefined && first !== version) {
    throw malformed(`it is of version ${first} and this release reads version ${version}`);
  }
  const hasLogits = (flags & 4) !== 0;
  const length = hasLogits ? bytesWithLogits : bytesWithoutLogits;
  if (whole.length !== length + signatureBytes) {
    throw malformed(
      `it must have ${length + signatureBytes} bytes: current value is ${whole.length}`,
    );
  }
  if (flags > 7 || (hasLogits && (flags & 2) === 0)) {
    throw malformed(`its flags are none: current value is ${flags}`);
  }
  const bytes = whole.subarray(0, length);
  const statement = decode(bytes, { flags, hasLogits });
  const { layers, positions, logits, stage } = statement;
  const spans = [layers, positions, ...logits === undefined ? [] : [logits]];
  if (!spans.every(({ from, to }) => from <= to) || positions.to > positionMax) {
    throw malformed("a range ends before it begins, or beyond what can be");
  }
  if (!Number.isSafeInteger(statement.signedAtMs)) throw malformed("it has no time");
  checkSigned({ bytes, signature: whole.subarray(length), key: stage, who: "the stage" });
  return statement;
}

/** SHA-256 over what stages signed, in their order, hexadecimal: how a requester names them all. */
export function stagesDigest(signed: readonly string[]): string {
  const hash = createHash("sha256");
  for (const one of signed) hash.update(fromBase64Url(one).slice(0, -signatureBytes));
  return hash.digest("hex");
}

function encode(statement: StageStatement): Uint8Array {
  const { embedding, head, layers, positions, logits, serial, signedAtMs } = statement;
  checkRange("layers", layers.to, layerMax);
  checkRange("positions", positions.to, positionMax);
  checkRange("serial", serial, serialMax);
  const bytes = new Uint8Array(logits === undefined ? bytesWithoutLogits : bytesWithLogits);
  const view = new DataView(bytes.buffer);
  bytes[0] = version;
  bytes[1] = Number(embedding) + 2 * Number(head) + 4 * Number(logits !== undefined);
  view.setUint16(2, layers.from, true);
  view.setUint16(4, layers.to, true);
  view.setUint32(6, serial, true);
  view.setUint32(10, positions.from, true);
  view.setUint32(14, positions.to, true);
  view.setBigUint64(18, BigInt(signedAtMs), true);
  const { opening, stage, inputRoot, outputRoot } = statement;
  for (const [i, digits] of [opening, stage, inputRoot, outputRoot].entries()) {
    bytes.set(decodeHex(digits), 26 + 32 * i);
  }
  if (logits === undefined) return bytes;
  view.setUint32(154, logits.from, true);
  view.setUint32(158, logits.to, true);
  bytes.set(decodeHex(logits.root), 162);
  return bytes;
}

function decode(
  bytes: Uint8Array,
  { flags, hasLogits }: { readonly flags: number; readonly hasLogits: boolean },
): StageStatement {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const digits = (at: number): string => encodeHex(bytes.subarray(at, at + 32));
  return {
    opening: digits(26),
    stage: digits(58),
    embedding: (flags & 1) !== 0,
    layers: { from: view.getUint16(2, true), to: view.getUint16(4, true) },
    head: (flags & 2) !== 0,
    positions: { from: view.getUint32(10, true), to: view.getUint32(14, true) },
    inputRoot: digits(90),
    outputRoot: digits(122),
    logits: hasLogits
      ? { from: view.getUint32(154, true), to: view.getUint32(158, true), root: digits(162) }
      : undefined,
    serial: view.getUint32(6, true),
    signedAtMs: Number(view.getBigUint64(18, true)),
  };
}

function checkRange(name: string, value: number, max: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= max) return;
  throw new RangeError(`Cannot sign as ${name} must be at most ${max}: current value is ${value}`);
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @throws {ReceiptError} "malformed"; also for a second spelling of the same bytes */
function fromBase64Url(text: string): Uint8Array {
  if (text.length > stageStatementCharactersMax || !/^[A-Za-z0-9_-]+$/.test(text)) {
    throw malformed(`it must be base64url of at most ${stageStatementCharactersMax} characters`);
  }
  if (text.length % 4 === 1) throw malformed("it is no base64url");
  const letters = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
  if (toBase64Url(bytes) !== text) throw malformed("it is no base64url as one writes it");
  return bytes;
}

function malformed(why: string): ReceiptError {
  const message = `Cannot read a stage's statement as ${why}`;
  return new ReceiptError({ code: "malformed", message });
}
