/**
 * One event of the journal and its line. A line is the canonical JSON (RFC 8785) of the nine fields
 * and LF, so that what is signed is the line itself without its `sig` member: members are sorted, and
 * `sig` is followed by nothing but `ts_ms`, which lets it be cut out of the received bytes.
 */
import { createHash } from "node:crypto";
import { encodeHex } from "../hot/mod.ts";
import { isHid } from "../identity/mod.ts";
import { canonicalJson } from "./canonical_json.ts";
import type { JsonValue } from "./canonical_json.ts";

/** What somebody wants recorded. */
export interface EventDraft {
  /** The kind of event: 1..128 characters. */
  readonly chi: string;
  /** The conversation, where there is one: 1..256 characters. */
  readonly sid?: string;
  /** The request or cause: 1..256 characters. */
  readonly rid: string;
  /** Anything JSON, within the line's limit. */
  readonly body: JsonValue;
}

/** A recorded event; the names are those of the line. */
export interface JournalEvent extends EventDraft {
  /** Hid of the writer. */
  readonly author: string;
  /** 1, 2, 3 ... without a gap, per author. */
  readonly seq: number;
  /** Unix milliseconds; never less than the event before it had. */
  readonly ts_ms: number;
  /** SHA-256 of the signed bytes of the author's previous event, 64 hex digits; zeros at first. */
  readonly prev_hash: string;
  /** Ed25519 signature for the purpose "journal", 128 hex digits. */
  readonly sig: string;
}

/** A line that was read: its event and what its signature and the next `prev_hash` cover. */
export interface ParsedLine {
  /** The event. */
  readonly event: JournalEvent;
  /** The line's bytes without the `sig` member and without LF. */
  readonly signed: Uint8Array;
}

/** `prev_hash` of an author's first event. */
export const zeroHash: string = "0".repeat(64);

const CHI_CHARS_MAX = 128;
const ID_CHARS_MAX = 256;
const FIELDS = ["author", "body", "chi", "prev_hash", "rid", "seq", "sig", "ts_ms"];
const HASH_PATTERN = /^[0-9a-f]{64}$/;
const SIG_PATTERN = /^[0-9a-f]{128}$/;
/** The end of every canonical line. */
const TAIL_PATTERN = /"sig":"[0-9a-f]{128}",("ts_ms":\d{1,16}\})$/;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The hash that the author's next event carries: SHA-256 in hex. */
export function hashSigned(signed: Uint8Array): string {
  return createHash("sha256").update(signed).digest("hex");
}

/** The same as bytes: 32 B, a leaf of the journal's tree. */
export function digestSigned(signed: Uint8Array): Uint8Array {
  return new Uint8Array(createHash("sha256").update(signed).digest());
}

/** Checks the ids of a draft. @throws {TypeError} for a missing, empty or overlong one */
export function checkDraft(draft: EventDraft): void {
  checkId(draft.chi, { name: "chi", charsMax: CHI_CHARS_MAX });
  checkId(draft.rid, { name: "rid", charsMax: ID_CHARS_MAX });
  if (draft.sid !== undefined) checkId(draft.sid, { name: "sid", charsMax: ID_CHARS_MAX });
}

/** Everything of a line but the signature; `body` is canonical JSON already. */
export interface UnsignedLine {
  readonly draft: Omit<EventDraft, "body">;
  readonly body: string;
  readonly author: string;
  readonly seq: number;
  readonly tsMs: number;
  readonly prevHash: string;
}

/** The signed bytes of an event: canonical JSON put together from checked parts. */
export function signedBytes(line: UnsignedLine): Uint8Array {
  return encoder.encode(`${headOf(line)}${tailOf(line)}`);
}

/** The line of an event with its signature (64 bytes), LF included. */
export function lineBytes(line: UnsignedLine, signature: Uint8Array): Uint8Array {
  return encoder.encode(`${headOf(line)}"sig":"${encodeHex(signature)}",${tailOf(line)}\n`);
}

/** The event of a line, as `parseLine` would read it. */
export function eventOf(line: UnsignedLine, signature: Uint8Array): JournalEvent {
  return {
    ...line.draft,
    body: JSON.parse(line.body) as JsonValue,
    author: line.author,
    seq: line.seq,
    ts_ms: line.tsMs,
    prev_hash: line.prevHash,
    sig: encodeHex(signature),
  };
}

/**
 * Reads one line (without LF); `undefined` when it is not the canonical JSON of an event. Checks
 * form only: neither chain nor signature. Never throws.
 */
export function tryParseLine(bytes: Uint8Array): ParsedLine | undefined {
  try {
    const text = decoder.decode(bytes);
    const value: unknown = JSON.parse(text);
    if (!isEvent(value)) return undefined;
    const bytesMax = bytes.length;
    if (canonicalJson(value, { bytesMax, depthMax: bodyDepthMax + 1 }) !== text) return undefined;
    return { event: value, signed: encoder.encode(text.replace(TAIL_PATTERN, "$1")) };
  } catch {
    return undefined;
  }
}

/** Arrays and objects inside each other that a body may have. */
export const bodyDepthMax = 64;

function headOf({ draft, body, author, seq, prevHash }: UnsignedLine): string {
  const ids = `"chi":${JSON.stringify(draft.chi)},"prev_hash":"${prevHash}"`;
  const sid = draft.sid === undefined ? "" : `"sid":${JSON.stringify(draft.sid)},`;
  const rid = JSON.stringify(draft.rid);
  return `{"author":"${author}","body":${body},${ids},"rid":${rid},"seq":${seq},${sid}`;
}

function tailOf({ tsMs }: UnsignedLine): string {
  return `"ts_ms":${tsMs}}`;
}

function isEvent(value: unknown): value is JournalEvent {
  if (typeof value !== "object" || value === null) return false;
  const has = value as Partial<Record<keyof JournalEvent, unknown>>;
  const count = FIELDS.length + (Object.hasOwn(has, "sid") ? 1 : 0);
  return Object.keys(has).length === count && FIELDS.every((name) => Object.hasOwn(has, name)) &&
    isId(has.chi, CHI_CHARS_MAX) && isId(has.rid, ID_CHARS_MAX) &&
    (!Object.hasOwn(has, "sid") || isId(has.sid, ID_CHARS_MAX)) &&
    typeof has.author === "string" && isHid(has.author) &&
    isCount(has.seq) && has.seq >= 1 && isCount(has.ts_ms) &&
    typeof has.prev_hash === "string" && HASH_PATTERN.test(has.prev_hash) &&
    typeof has.sig === "string" && SIG_PATTERN.test(has.sig);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown, charsMax: number): boolean {
  return typeof value === "string" && value.length >= 1 && value.length <= charsMax &&
    value.isWellFormed();
}

function checkId(value: unknown, about: { name: string; charsMax: number }): void {
  if (isId(value, about.charsMax)) return;
  const shown = typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeof value;
  throw new TypeError(
    `Cannot append to the journal as '${about.name}' must be 1..${about.charsMax} characters: current value is ${shown}`,
  );
}
