/**
 * Opening a session at every stage of a pipeline: frame 0x23 of docs/STAGES.md, section 4.
 *
 *     0   u8    0x23
 *     1   u32   n, bytes of JSON
 *     5   n     the statement: RFC 8785 JSON of `StageOpen`
 *     ..  u16   links, u16 0, then 32 bytes for each
 *     ..  64    signature with purpose "stage-open" over all bytes from 1 on that come before it
 *
 * One statement goes to all stages. It names them in their order, so that each knows who may send to
 * it and whom it sends to, and who pays. What is verified are the bytes that were received.
 */
import * as v from "valibot";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { createVerifier } from "../identity/mod.ts";
import type { Identity } from "../identity/mod.ts";
import { canonicalBytes } from "../journal/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { FrameReader } from "./_frame_reader.ts";
import { FrameWriter } from "./_frame_writer.ts";
import {
  classCharactersMax,
  frameEntriesMax,
  frameLinksMax,
  linkBytes,
  openBytesMax,
  stageOpenPurpose,
} from "./limits.ts";
import { StageError } from "./stage_error.ts";

/** First byte of an open. */
export const OPEN_TAG = 0x23;

const SIGNATURE_BYTES = 64;

const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0xffffffff));
const key = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));
const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

const placeSchema = v.strictObject({
  peer: key,
  from: count,
  to: count,
  embedding: v.boolean(),
  head: v.boolean(),
});

const openSchema = v.strictObject({
  v: v.literal(1),
  session: id,
  version: count,
  nextSequence: count,
  requester: key,
  payer: key,
  root: key,
  numericClass: v.pipe(v.string(), v.regex(/^[!-~]+$/), v.maxLength(classCharactersMax)),
  positionsMax: count,
  stages: v.pipe(v.array(placeSchema), v.minLength(1), v.maxLength(frameEntriesMax)),
});

/** A part of a model at a peer. */
export type OpenPlace = v.InferOutput<typeof placeSchema>;

/**
 * The statement: who computes what for whom. A higher `version` of the same session moves it: stages
 * that stay keep what they hold, with new neighbours.
 */
export type StageOpen = v.InferOutput<typeof openSchema>;

/** An open as it arrived. */
export interface OpenFrame {
  readonly kind: "open";
  readonly open: StageOpen;
  /** Links of the whole blocks that the session is going to begin with, 32 B each. */
  readonly links: Uint8Array;
  /** The bytes that were signed: what the requester can be held to. */
  readonly signed: Uint8Array;
  readonly signature: Uint8Array;
}

/** Signs for a node; a node's host does it elsewhere, and later. */
export interface OpenSigner {
  sign(purpose: string, bytes: Uint8Array): Uint8Array | Promise<Uint8Array>;
}

/** Signs a statement and its links. @throws {RangeError} when it is longer than an open may be */
export async function encodeOpen(
  { open, links }: { readonly open: StageOpen; readonly links: Uint8Array },
  signer: OpenSigner,
): Promise<Uint8Array> {
  const json = canonicalBytes(open, { bytesMax: openBytesMax });
  const linkCount = links.length / linkBytes;
  if (!Number.isInteger(linkCount) || linkCount > frameLinksMax) {
    throw new RangeError(
      `Cannot open a session as it has at most ${frameLinksMax} links: current value is ${linkCount}`,
    );
  }
  const writer = new FrameWriter(9 + json.length + links.length + SIGNATURE_BYTES)
    .u8(OPEN_TAG).u32(json.length).put(json).u16(linkCount).u16(0).put(links);
  const signed = writer.bytes.subarray(1, writer.bytes.length - SIGNATURE_BYTES);
  return writer.put(await signer.sign(stageOpenPurpose, signed)).bytes;
}

/**
 * Reads an open; whose signature it is must be asked of `isSignedBy`.
 *
 * @throws {StageError} "malformed"
 */
export function decodeOpen(bytes: Uint8Array): OpenFrame {
  const reader = new FrameReader(bytes, "an open");
  if (reader.u8() !== OPEN_TAG) throw reader.wrong(`its first byte is not ${OPEN_TAG}`);
  const jsonBytes = reader.u32();
  if (jsonBytes > openBytesMax) throw reader.wrong(`its statement has ${jsonBytes} bytes`);
  const open = parseStatement(reader, reader.text(jsonBytes));
  const linkCount = reader.u16();
  reader.zeros(2);
  if (linkCount > frameLinksMax) throw reader.wrong(`it has ${linkCount} links`);
  const links = reader.bytes(linkCount * linkBytes).slice();
  const signature = reader.bytes(SIGNATURE_BYTES).slice();
  reader.end();
  const signed = bytes.slice(1, bytes.length - SIGNATURE_BYTES);
  return { kind: "open", open, links, signed, signature };
}

/** Whether the requester that the statement names has signed it. */
export function isSigned({ open, signed, signature }: OpenFrame): boolean {
  const verify = createVerifier(decodeHex(open.requester));
  return verify({ purpose: stageOpenPurpose, bytes: signed, signature });
}

/** A peer's key as a statement has it. */
export function keyOf(identity: Pick<Identity, "publicKey">): PeerKey {
  return encodeHex(identity.publicKey);
}

function parseStatement(reader: FrameReader, text: string): StageOpen {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw reader.wrong("its statement is not JSON", cause);
  }
  const parsed = v.safeParse(openSchema, value);
  if (!parsed.success) {
    const path = v.getDotPath(parsed.issues[0]) ?? "";
    throw reader.wrong(`its statement is wrong at "${path}"`);
  }
  checkStages(parsed.output);
  return parsed.output;
}

/** @throws {StageError} "malformed" when the stages are no row of layers */
function checkStages({ stages }: StageOpen): void {
  let layer = 0;
  for (const [i, { from, to, embedding, head }] of stages.entries()) {
    const isRow = from === layer && to > from && (i === 0 || !embedding) &&
      (i === stages.length - 1 || !head);
    if (!isRow) {
      throw new StageError({
        code: "malformed",
        message:
          `Cannot read an open as stage ${i}, layers ${from} to ${to}, does not follow layer ${layer}`,
      });
    }
    layer = to;
  }
}
