/**
 * The short frames between requester and stages: docs/STAGES.md, section 4 to 6.
 *
 *     0x24 opened    session 16, version u32, positions held u32, window bytes u32, positions free u32
 *     0x25 links     session 16, first link u32, count u16, 0 u16, links 32 x count
 *     0x26 truncate  session 16, version u32, positions u32, next sequence u32
 *     0x27 close     session 16
 *     0x28 cancel    session 16
 *     0x29 beat      probe u32, count u16, 0 u16, then for each: session 16, positions u32, state u8, 0 x 3
 *     0x2a probe     probe u32
 *     0x2b refusal   code u8, 0, characters u16, request 16, session 16, peer 32, sentence
 *     0x2c credit    session 16, bytes u32
 *
 * The open, which is signed, is in stage_open.ts.
 */
import { FrameReader } from "./_frame_reader.ts";
import { FrameWriter } from "./_frame_writer.ts";
import { frameEntriesMax, frameLinksMax, linkBytes, sentenceBytesMax } from "./limits.ts";
import { stageErrorCodes } from "./stage_error.ts";
import type { StageErrorCode } from "./stage_error.ts";

/** First bytes of the frames. */
export const CONTROL_TAGS = {
  opened: 0x24,
  links: 0x25,
  truncate: 0x26,
  close: 0x27,
  cancel: 0x28,
  beat: 0x29,
  probe: 0x2a,
  refusal: 0x2b,
  credit: 0x2c,
} as const;

/** Sixteen zero bytes: no request, or no session. */
export const NOBODY: string = "0".repeat(32);

const STATES = ["idle", "queued", "computing", "sending"] as const;

/** What a stage does for a session. */
export type StageState = (typeof STATES)[number];

/** The answer to an open or a truncation. */
export interface OpenedFrame {
  readonly kind: "opened";
  readonly session: string;
  /** Of the open or truncation that is answered. */
  readonly version: number;
  /** Positions that the stage holds for the session. */
  readonly held: number;
  /** Bytes of rows that may be under way to the stage. */
  readonly windowBytes: number;
  /** Positions that there is room for now. */
  readonly freePositions: number;
}

/** Links of blocks that the requester has completed (section 7.2 of the numeric class). */
export interface LinksFrame {
  readonly kind: "links";
  readonly session: string;
  readonly firstLink: number;
  /** 32 B each. */
  readonly links: Uint8Array;
}

/** Forgets positions and everything under way. */
export interface TruncateFrame {
  readonly kind: "truncate";
  readonly session: string;
  readonly version: number;
  readonly positionCount: number;
  /** Sequence number of the next entry; earlier ones are stale. */
  readonly nextSequence: number;
}

/** Gives the session back. */
export interface CloseFrame {
  readonly kind: "close";
  readonly session: string;
}

/** Stops what is under way; a truncation says where to go on. */
export interface CancelFrame {
  readonly kind: "cancel";
  readonly session: string;
}

/** A sign of life, every 500 ms while something is computed, and at once when asked for. */
export interface BeatFrame {
  readonly kind: "beat";
  /** Of the probe that is answered; 0 when nobody asked. */
  readonly probe: number;
  readonly sessions: readonly {
    readonly session: string;
    readonly positionCount: number;
    readonly state: StageState;
  }[];
}

/** Asks for a beat. */
export interface ProbeFrame {
  readonly kind: "probe";
  /** From 1. */
  readonly probe: number;
}

/** What is not done, and why. */
export interface RefusalFrame {
  readonly kind: "refusal";
  readonly code: StageErrorCode;
  /** `NOBODY` when it concerns none. */
  readonly request: string;
  /** `NOBODY` when it concerns none. */
  readonly session: string;
  /** The peer that it is about, where it is about one. */
  readonly peer: string | undefined;
  readonly sentence: string;
}

/** Rows were taken: so many bytes more may come. */
export interface CreditFrame {
  readonly kind: "credit";
  readonly session: string;
  readonly bytes: number;
}

/** Any of them. */
export type ControlFrame =
  | OpenedFrame
  | LinksFrame
  | TruncateFrame
  | CloseFrame
  | CancelFrame
  | BeatFrame
  | ProbeFrame
  | RefusalFrame
  | CreditFrame;

const encoder = new TextEncoder();

/** The bytes of a control frame. @throws {RangeError} when it has too many links or sessions */
export function encodeControl(frame: ControlFrame): Uint8Array {
  switch (frame.kind) {
    case "opened":
      return sessionFrame(frame, 16).u32(frame.version).u32(frame.held)
        .u32(frame.windowBytes).u32(frame.freePositions).bytes;
    case "links":
      return encodeLinks(frame);
    case "truncate":
      return sessionFrame(frame, 12).u32(frame.version).u32(frame.positionCount)
        .u32(frame.nextSequence).bytes;
    case "close":
    case "cancel":
      return sessionFrame(frame, 0).bytes;
    case "beat":
      return encodeBeat(frame);
    case "probe":
      return new FrameWriter(5).u8(CONTROL_TAGS.probe).u32(frame.probe).bytes;
    case "refusal":
      return encodeRefusal(frame);
    case "credit":
      return sessionFrame(frame, 4).u32(frame.bytes).bytes;
  }
}

/** Reads a control frame; undefined for another tag. @throws {StageError} "malformed" */
export function decodeControl(bytes: Uint8Array): ControlFrame | undefined {
  const kind = KINDS.get(bytes[0] ?? 0);
  if (kind === undefined) return undefined;
  const reader = new FrameReader(bytes, `a frame "${kind}"`);
  reader.u8();
  const frame = readControl(kind, reader);
  reader.end();
  return frame;
}

const KINDS: ReadonlyMap<number, ControlFrame["kind"]> = new Map(
  Object.entries(CONTROL_TAGS).map(([kind, tag]) => [tag, kind as ControlFrame["kind"]]),
);

function readControl(kind: ControlFrame["kind"], reader: FrameReader): ControlFrame {
  switch (kind) {
    case "opened":
      return {
        kind,
        session: reader.hex(16),
        version: reader.u32(),
        held: reader.u32(),
        windowBytes: reader.u32(),
        freePositions: reader.u32(),
      };
    case "links":
      return readLinks(reader);
    case "truncate":
      return {
        kind,
        session: reader.hex(16),
        version: reader.u32(),
        positionCount: reader.u32(),
        nextSequence: reader.u32(),
      };
    case "close":
    case "cancel":
      return { kind, session: reader.hex(16) };
    case "beat":
      return readBeat(reader);
    case "probe":
      return { kind, probe: reader.u32() };
    case "refusal":
      return readRefusal(reader);
    case "credit":
      return { kind, session: reader.hex(16), bytes: reader.u32() };
  }
}

/** A frame that begins with its session, and has `more` bytes behind it. */
function sessionFrame(
  { kind, session }: { readonly kind: keyof typeof CONTROL_TAGS; readonly session: string },
  more: number,
): FrameWriter {
  return new FrameWriter(17 + more).u8(CONTROL_TAGS[kind]).hex(session);
}

function encodeLinks(frame: LinksFrame): Uint8Array {
  const count = frame.links.length / linkBytes;
  checkCount("links", count, frameLinksMax);
  return sessionFrame(frame, 8 + frame.links.length).u32(frame.firstLink).u16(count).u16(0)
    .put(frame.links).bytes;
}

function readLinks(reader: FrameReader): LinksFrame {
  const session = reader.hex(16);
  const firstLink = reader.u32();
  const count = reader.u16();
  reader.zeros(2);
  if (count < 1 || count > frameLinksMax) throw reader.wrong(`it has ${count} links`);
  return { kind: "links", session, firstLink, links: reader.bytes(count * linkBytes).slice() };
}

function encodeBeat(frame: BeatFrame): Uint8Array {
  checkCount("sessions", frame.sessions.length, frameEntriesMax);
  const writer = new FrameWriter(9 + 24 * frame.sessions.length)
    .u8(CONTROL_TAGS.beat).u32(frame.probe).u16(frame.sessions.length).u16(0);
  for (const { session, positionCount, state } of frame.sessions) {
    writer.hex(session).u32(positionCount).u8(STATES.indexOf(state)).zeros(3);
  }
  return writer.bytes;
}

function readBeat(reader: FrameReader): BeatFrame {
  const probe = reader.u32();
  const count = reader.u16();
  reader.zeros(2);
  if (count > frameEntriesMax) throw reader.wrong(`it has ${count} sessions`);
  if (count * 24 > reader.leftBytes) throw reader.wrong(`it is too short for ${count} sessions`);
  const sessions = Array.from({ length: count }, () => {
    const session = reader.hex(16);
    const positionCount = reader.u32();
    const state = STATES[reader.u8()];
    reader.zeros(3);
    if (state === undefined) throw reader.wrong("a session has an unknown state");
    return { session, positionCount, state };
  });
  return { kind: "beat", probe, sessions };
}

function encodeRefusal(frame: RefusalFrame): Uint8Array {
  const sentence = encoder.encode(frame.sentence.slice(0, sentenceBytesMax / 4));
  return new FrameWriter(69 + sentence.length)
    .u8(CONTROL_TAGS.refusal).u8(stageErrorCodes.indexOf(frame.code)).u8(0).u16(sentence.length)
    .hex(frame.request).hex(frame.session).hex(frame.peer ?? NOBODY + NOBODY).put(sentence).bytes;
}

function readRefusal(reader: FrameReader): RefusalFrame {
  const code = stageErrorCodes[reader.u8()];
  if (code === undefined) throw reader.wrong("its code is unknown");
  reader.zeros(1);
  const bytes = reader.u16();
  if (bytes > sentenceBytesMax) throw reader.wrong(`its sentence has ${bytes} bytes`);
  const [request, session, peer] = [reader.hex(16), reader.hex(16), reader.hex(32)];
  const named = peer === NOBODY + NOBODY ? undefined : peer;
  return { kind: "refusal", code, request, session, peer: named, sentence: reader.text(bytes) };
}

// tidy: allow positional-parameters as a check reads best as what, how many, and how many at most
function checkCount(what: string, count: number, most: number): void {
  if (Number.isInteger(count) && count <= most) return;
  throw new RangeError(
    `Cannot send a frame as it has at most ${most} ${what}: current value is ${count}`,
  );
}
