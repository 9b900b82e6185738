/**
 * The frames of `/skep/parts/1`: a stream carries requests one way and their answers the other, in
 * the same order.
 *
 * A request is a kind byte and the model's root (32 B); then for an outboard the first byte (f64) and
 * how many, for groups the first and how many (u32 little endian each). An answer is a status byte
 * and the bytes, or a sentence of UTF-8 where the status is not 0. Every length is fixed by the
 * request.
 */
import { BLAKE3_GROUP_BYTES, outboardBytes } from "../hot/mod.ts";
import type { GroupRange } from "../hot/mod.ts";
import { PartsError } from "./errors.ts";

/** The protocol. */
export const partsProtocol = "/skep/parts/1";

/** Groups of one answer at most: 512 KiB. */
export const groupsPerFrameMax = 32;

/** Bytes of an outboard in one answer at most. */
export const outboardPieceBytesMax: number = 512 * 1024;

/** Longest file, in bytes, of which parts are exchanged: 64 GiB. */
const contentBytesMax = 2 ** 36;
const sentenceBytesMax = 512;
const nameBytesMax = 128;
const headBytes = 33;

/** What is asked. */
export type PartRequest =
  /** The file's length and name. */
  | { readonly kind: "about"; readonly root: Uint8Array }
  | {
    readonly kind: "outboard";
    readonly root: Uint8Array;
    readonly fromBytes: number;
    readonly bytes: number;
  }
  | { readonly kind: "groups"; readonly root: Uint8Array; readonly range: GroupRange };

/** What is told of a file. */
export interface PartAbout {
  readonly sizeBytes: number;
  readonly name: string;
}

/** An answer: bytes, or why not. */
export type PartAnswer =
  | { readonly isOk: true; readonly bytes: Uint8Array }
  | { readonly isOk: false; readonly code: RefusalCode; readonly sentence: string };

/** Why a request is refused. */
export type RefusalCode = "not-held" | "malformed" | "busy" | "damaged";

const refusals: readonly RefusalCode[] = ["not-held", "malformed", "busy", "damaged"];
const kinds = ["about", "outboard", "groups"] as const;

/** The frame of a request. */
export function encodePartRequest(request: PartRequest): Uint8Array {
  const frame = new Uint8Array(headBytes + (request.kind === "outboard" ? 12 : 8));
  const view = new DataView(frame.buffer);
  frame[0] = 1 + kinds.indexOf(request.kind);
  frame.set(request.root, 1);
  if (request.kind === "about") return frame.subarray(0, headBytes);
  if (request.kind === "outboard") {
    view.setFloat64(headBytes, request.fromBytes, true);
    view.setUint32(headBytes + 8, request.bytes, true);
  } else {
    view.setUint32(headBytes, request.range.first, true);
    view.setUint32(headBytes + 4, request.range.count, true);
  }
  return frame;
}

/** Reads a request. @throws {PartsError} "malformed" */
export function decodePartRequest(frame: Uint8Array): PartRequest {
  const kind = kinds[(frame[0] ?? 0) - 1];
  const root = frame.slice(1, headBytes);
  const length = { about: 0, outboard: 12, groups: 8 }[kind ?? "about"];
  if (kind === undefined || frame.length !== headBytes + length) {
    throw malformed(`a request of ${frame.length} bytes and kind ${frame[0]} is none`);
  }
  if (kind === "about") return { kind, root };
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (kind === "outboard") {
    const fromBytes = view.getFloat64(headBytes, true);
    const bytes = view.getUint32(headBytes + 8, true);
    const isGood = Number.isSafeInteger(fromBytes) && fromBytes >= 0 && bytes >= 1 &&
      bytes <= outboardPieceBytesMax;
    if (!isGood) throw malformed(`${bytes} bytes from ${fromBytes} are no piece of an outboard`);
    return { kind, root, fromBytes, bytes };
  }
  const first = view.getUint32(headBytes, true);
  const count = view.getUint32(headBytes + 4, true);
  if (count < 1 || count > groupsPerFrameMax) {
    throw malformed(`groups must be 1 to ${groupsPerFrameMax}: current value is ${count}`);
  }
  return { kind, root, range: { first, count } };
}

/** The frame of an answer. */
export function encodePartAnswer(answer: PartAnswer): Uint8Array {
  const bytes = answer.isOk
    ? answer.bytes
    : new TextEncoder().encode(answer.sentence).subarray(0, sentenceBytesMax);
  const frame = new Uint8Array(1 + bytes.length);
  frame[0] = answer.isOk ? 0 : 1 + refusals.indexOf(answer.code);
  frame.set(bytes, 1);
  return frame;
}

/** Reads an answer to a request that wants `bytesWanted` bytes. @throws {PartsError} "malformed" */
export function decodePartAnswer(
  frame: Uint8Array,
  bytesWanted: { readonly from: number; readonly to: number },
): PartAnswer {
  const [status] = frame;
  const bytes = frame.subarray(1);
  if (status === 0) {
    const { from, to } = bytesWanted;
    if (bytes.length >= from && bytes.length <= to) return { isOk: true, bytes };
    throw malformed(`an answer must have ${from} to ${to} bytes: it has ${bytes.length}`);
  }
  const code = status === undefined ? undefined : refusals[status - 1];
  if (code === undefined || bytes.length > sentenceBytesMax) {
    throw malformed(`an answer of status ${status} and ${bytes.length} bytes is none`);
  }
  // The peer's words: shown to nobody as ours, and without control characters.
  const sentence = new TextDecoder().decode(bytes).replaceAll(/\p{Cc}+/gu, " ");
  return { isOk: false, code, sentence };
}

/** The bytes of an answer about a file. */
export function encodePartAbout({ sizeBytes, name }: PartAbout): Uint8Array {
  const text = new TextEncoder().encode(name).subarray(0, nameBytesMax);
  const bytes = new Uint8Array(8 + text.length);
  new DataView(bytes.buffer).setFloat64(0, sizeBytes, true);
  bytes.set(text, 8);
  return bytes;
}

/** How long an answer about a file may be. */
export const partAboutBytes = { from: 9, to: 8 + nameBytesMax } as const;

/** Reads what is told of a file. @throws {PartsError} "malformed" */
export function decodePartAbout(bytes: Uint8Array): PartAbout {
  const sizeBytes = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .getFloat64(0, true);
  const name = new TextDecoder().decode(bytes.subarray(8));
  const isGood = Number.isSafeInteger(sizeBytes) && sizeBytes >= 1 &&
    sizeBytes <= contentBytesMax && /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/.test(name);
  if (isGood) return { sizeBytes, name };
  throw malformed("what is said of the file is no length and name");
}

/** Groups of a file. */
export function groupsOf(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / BLAKE3_GROUP_BYTES));
}

/** Bytes of a run of groups, of which the file's last may be short. */
export function bytesOfGroups({ first, count }: GroupRange, sizeBytes: number): number {
  const from = first * BLAKE3_GROUP_BYTES;
  return Math.max(0, Math.min(sizeBytes, from + count * BLAKE3_GROUP_BYTES) - from);
}

/** The pieces in which an outboard is asked for. */
export function outboardPieces(sizeBytes: number): { fromBytes: number; bytes: number }[] {
  const total = outboardBytes(sizeBytes);
  const pieces = [];
  for (let fromBytes = 0; fromBytes < total; fromBytes += outboardPieceBytesMax) {
    pieces.push({ fromBytes, bytes: Math.min(outboardPieceBytesMax, total - fromBytes) });
  }
  return pieces;
}

function malformed(why: string): PartsError {
  return new PartsError({ code: "malformed", message: `Cannot read a parts frame as ${why}` });
}
