/**
 * Frames of the registry, which follow hello on its stream: who is there, what they say of themselves,
 * and the roster. The first byte tells the kind; numbers are big-endian.
 *
 *   0x10 ping:    sequence u32 | views
 *   0x11 ack:     sequence u32 | target, 32 | views          (the target lives)
 *   0x12 request: sequence u32 | target, 32 | views          (ask the target for me)
 *   0x13 views:   1 when it is all that the sender knows, 0 for news | views
 *   0x14 cards:   JSON, an array of cards
 *   0x15 roster:  a signed roster
 *   0x16 bye:     nothing; the sender leaves on purpose
 *
 *   views: count u16 | for each: key, 32 | state u8 | incarnation u48 | sequence of its card u32
 */
import type { PeerKey } from "../ports/mod.ts";
import type { Card } from "./card.ts";
import { cardOfText, cardsOfText, registryFrame, textOfCard } from "./card_reader.ts";
import { frameRefusal } from "./json_frame.ts";
import { bytesOfKey, keyOfBytes } from "./key_table.ts";
import type { MembershipError } from "./membership_error.ts";
import { membersMax, rosterBytesMax } from "./roster.ts";

/** Whether a member is there, in somebody's view. */
export type ViewState = "alive" | "suspect" | "gone";

/** What a node thinks of a member. */
export interface View {
  readonly key: PeerKey;
  readonly state: ViewState;
  /** 0..2^48 - 1 */
  readonly incarnation: number;
  /** Of the newest card that the node has of it; 0 for none. */
  readonly sequence: number;
}

/** A frame. */
export type RegistryFrame =
  | { readonly kind: "ping"; readonly sequence: number; readonly views: readonly View[] }
  | {
    readonly kind: "ack" | "request";
    readonly sequence: number;
    readonly target: PeerKey;
    readonly views: readonly View[];
  }
  | { readonly kind: "views"; readonly isAll: boolean; readonly views: readonly View[] }
  | { readonly kind: "cards"; readonly cards: readonly Card[] }
  | { readonly kind: "roster"; readonly bytes: Uint8Array }
  | { readonly kind: "bye" };

/** Cards of one frame, and bytes of them, at most. */
export const cardsPerFrameMax = 16;
const cardsBytesMax = 640 * 1024;

const kinds = { ping: 0x10, ack: 0x11, request: 0x12, views: 0x13, cards: 0x14 } as const;
const rosterKind = 0x15;
const byeKind = 0x16;
const nobody = new Uint8Array(0);
const viewBytes = 32 + 1 + 6 + 4;
const states: readonly ViewState[] = ["alive", "suspect", "gone"];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of a frame. */
export function encodeRegistryFrame(frame: RegistryFrame): Uint8Array {
  switch (frame.kind) {
    case "bye":
      return Uint8Array.of(byeKind);
    case "roster":
      return prefixed(rosterKind, frame.bytes);
    case "cards":
      return prefixed(kinds.cards, encoder.encode(`[${frame.cards.map(textOfCard).join()}]`));
    case "views": {
      const writer = new Writer(2 + 2 + frame.views.length * viewBytes);
      writer.u8(kinds.views);
      writer.u8(frame.isAll ? 1 : 0);
      return writer.views(frame.views);
    }
    default: {
      const target = frame.kind === "ping" ? nobody : bytesOfKey(frame.target);
      const writer = new Writer(5 + target.length + 2 + frame.views.length * viewBytes);
      writer.u8(kinds[frame.kind]);
      writer.u32(frame.sequence);
      writer.bytes(target);
      return writer.views(frame.views);
    }
  }
}

/** Reads a frame. @throws {MembershipError} "malformed", "too-long" */
export function parseRegistryFrame(bytes: Uint8Array): RegistryFrame {
  const reader = new Reader(bytes);
  const kind = reader.u8();
  switch (kind) {
    case kinds.ping: {
      const sequence = reader.u32();
      return { kind: "ping", sequence, views: reader.views() };
    }
    case kinds.ack:
    case kinds.request: {
      const sequence = reader.u32();
      const target = reader.key();
      const views = reader.views();
      return { kind: kind === kinds.ack ? "ack" : "request", sequence, target, views };
    }
    case kinds.views: {
      const flag = reader.u8();
      if (flag > 1) throw malformed("its flag is neither 0 nor 1");
      return { kind: "views", isAll: flag === 1, views: reader.views() };
    }
    case kinds.cards:
      return { kind: "cards", cards: cardsOfText(textOf(bytes.subarray(1)), cardsPerFrameMax) };
    case rosterKind:
      if (bytes.length - 1 > rosterBytesMax) throw tooLong(bytes.length);
      return { kind: "roster", bytes: bytes.subarray(1) };
    case byeKind:
      if (bytes.length !== 1) throw malformed("there is something behind its end");
      return { kind: "bye" };
    default:
      throw malformed("it is of no known kind");
  }
}

/** Reads one card that came by gossip. @throws {MembershipError} "malformed", "too-long" */
export function parseCard(bytes: Uint8Array): Card {
  return cardOfText(textOf(bytes));
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > cardsBytesMax) throw tooLong(bytes.length);
  try {
    return decoder.decode(bytes);
  } catch {
    throw malformed("its cards are no UTF-8");
  }
}

function prefixed(kind: number, rest: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + rest.length);
  frame[0] = kind;
  frame.set(rest, 1);
  return frame;
}

class Writer {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(size: number) {
    this.#bytes = new Uint8Array(size);
  }

  u8(value: number): void {
    this.#bytes[this.#at++] = value;
  }

  u16(value: number): void {
    this.u8(value >>> 8);
    this.u8(value);
  }

  u32(value: number): void {
    this.u16(value >>> 16);
    this.u16(value);
  }

  bytes(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  views(views: readonly View[]): Uint8Array {
    this.u16(views.length);
    for (const { key, state, incarnation, sequence } of views) {
      this.bytes(bytesOfKey(key));
      this.u8(states.indexOf(state));
      this.u16(Math.floor(incarnation / 2 ** 32));
      this.u32(incarnation % 2 ** 32);
      this.u32(sequence);
    }
    return this.#bytes;
  }
}

/** Written without a DataView: most frames are so short that making one takes longer. */
class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  u8(): number {
    this.#need(1);
    return this.#bytes[this.#at++] as number;
  }

  u32(): number {
    this.#need(4);
    return this.#u16() * 2 ** 16 + this.#u16();
  }

  key(): PeerKey {
    this.#need(32);
    this.#at += 32;
    return keyOfBytes(this.#bytes, this.#at - 32);
  }

  /** Up to the end of the frame. */
  views(): readonly View[] {
    this.#need(2);
    const count = this.#u16();
    if (count > membersMax) throw tooLong(this.#bytes.length);
    if (this.#bytes.length - this.#at !== count * viewBytes) {
      throw malformed("its length does not fit the count of its views");
    }
    if (count === 0) return noViews;
    const views: View[] = [];
    while (views.length < count) views.push(this.#nextView());
    return views;
  }

  #nextView(): View {
    const key = this.key();
    const state = states[this.u8()];
    if (state === undefined) throw malformed("a view in it has no known state");
    const incarnation = this.#u16() * 2 ** 32 + this.u32();
    return { key, state, incarnation, sequence: this.u32() };
  }

  /** Two bytes that are known to be there. */
  #u16(): number {
    const [high, low] = [this.#bytes[this.#at] as number, this.#bytes[this.#at + 1] as number];
    this.#at += 2;
    return high * 2 ** 8 + low;
  }

  #need(count: number): void {
    if (this.#bytes.length - this.#at < count) throw malformed("it is cut");
  }
}

const noViews: readonly View[] = [];

function tooLong(size: number): MembershipError {
  return frameRefusal({ what: registryFrame, code: "too-long", why: `it has ${size} bytes` });
}

function malformed(why: string): MembershipError {
  return frameRefusal({ what: registryFrame, why });
}
