/** Turns drafts into signed lines, each naming the hash of the one before. Computes; does no I/O. */
import { encodeHex } from "../hot/mod.ts";
import type { Identity } from "../identity/mod.ts";
import { digestSigned, eventOf, lineBytes, signedBytes, zeroHash } from "./event.ts";
import type { EventDraft, JournalEvent } from "./event.ts";
import type { TreeEdge } from "./merkle.ts";
import { openingChi, snapshotChi, snapshotText } from "./_snapshot.ts";

/** Where an author's chain stands. */
export interface ChainHead {
  /** Sequence number of the last event, 0 when there is none. */
  readonly seq: number;
  /** Hash of the last event's signed bytes, zeros when there is none. */
  readonly hash: string;
  /** Time of the last event. */
  readonly tsMs: number;
}

/** A draft whose body is serialised already, so that later changes of it do no harm. */
export interface SealedDraft {
  readonly draft: Omit<EventDraft, "body">;
  /** Canonical JSON, or what makes it from the tree over all events before this one. */
  readonly body: string | ((tree: TreeEdge) => string);
}

/** The lines of one group commit. */
export interface SealedBatch {
  /** All lines, one after the other. */
  readonly bytes: Uint8Array;
  /** The events, in the order of the drafts. */
  readonly events: readonly JournalEvent[];
  /** The chain after them. */
  readonly head: ChainHead;
  /** The tree after them. */
  readonly tree: TreeEdge;
  /** The events' hashes, its new leaves. */
  readonly leaves: readonly Uint8Array[];
}

/** The chain of an author who has not written yet. */
export const emptyHead: ChainHead = { seq: 0, hash: zeroHash, tsMs: 0 };

/** What signatures of the journal are made for. */
export const journalPurpose = "journal";

/**
 * The draft that opens every day file: it carries the author's key, whose hash is the author, and a
 * snapshot of all that was before.
 */
export function openingDraft(identity: Identity): SealedDraft {
  const key = encodeHex(identity.publicKey);
  return {
    draft: { chi: openingChi, rid: openingChi },
    body: (tree) => `{"format":2,"public_key":"${key}","snapshot":${snapshotText(tree)}}`,
  };
}

/** The draft of a snapshot in between. */
export const snapshotDraft: SealedDraft = {
  draft: { chi: snapshotChi, rid: snapshotChi },
  body: snapshotText,
};

/** Signs and chains `drafts` after `head`; all get the time `tsMs`. `tree` is left as it is. */
export function sealBatch(
  drafts: readonly SealedDraft[],
  chain: {
    readonly head: ChainHead;
    readonly tree: TreeEdge;
    readonly identity: Identity;
    readonly tsMs: number;
  },
): SealedBatch {
  const { identity, tsMs } = chain;
  const tree = chain.tree.copy();
  let { seq, hash } = chain.head;
  const events: JournalEvent[] = [];
  const lines: Uint8Array[] = [];
  const leaves: Uint8Array[] = [];
  for (const { draft, body: given } of drafts) {
    const body = typeof given === "string" ? given : given(tree);
    const line = { draft, body, author: identity.hid, seq: ++seq, tsMs, prevHash: hash };
    const signed = signedBytes(line);
    const signature = identity.sign(journalPurpose, signed);
    lines.push(lineBytes(line, signature));
    events.push(eventOf(line, signature));
    const leaf = digestSigned(signed);
    leaves.push(leaf);
    tree.append(leaf);
    hash = encodeHex(leaf);
  }
  return { bytes: concatenated(lines), events, head: { seq, hash, tsMs }, tree, leaves };
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
