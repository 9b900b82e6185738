/**
 * What is known of the journals of others: the last head of each, and what speaks against one. Pure;
 * signatures are checked by whoever brings a head here.
 *
 * Two signed heads of one size with different roots are a **fork**, whenever they come. Everything else
 * is judged by an answer that was asked for after the known head had come: an honest journal only
 * grows, so an answer below the known head is a **shrink**, and one that can't be shown to contain the
 * known head is a **fork**. A smaller head that merely arrives late is no reason for anything.
 */
import * as v from "valibot";
import { decodeHex } from "../hot/mod.ts";
import { isConsistent } from "../journal/mod.ts";
import type { SignedLogHead } from "../journal/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { count, hex64 } from "./_forms.ts";
import { logHeadSchema } from "./capabilities.ts";
import { membersMax } from "./roster.ts";

/** Findings that are kept of one peer; further ones are counted. */
const findingsMax = 4;

/** Heads of one peer that wait to be asked about, beside the last. */
const waitingMax = 3;

const states = ["ok", "unproved", "fork", "shrink"] as const;

const evidenceSchema = v.strictObject({
  kind: v.picklist(["fork", "shrink"]),
  atMs: count,
  earlier: logHeadSchema,
  later: logHeadSchema,
  /** One sentence. */
  why: v.pipe(v.string(), v.maxLength(400)),
});

const peerLogSchema = v.strictObject({
  key: hex64,
  head: logHeadSchema,
  state: v.picklist(states),
  /** Size from which on every head was shown to begin with the one before. */
  provenFrom: count,
  evidence: v.pipe(v.array(evidenceSchema), v.maxLength(findingsMax)),
  findings: count,
});

/** The file's form: what is kept of each peer. */
export const logHeadsSchema = v.pipe(v.array(peerLogSchema), v.maxLength(membersMax));

/** What is thought of a peer's journal; a fork or a shrink stays until somebody accepts it. */
export type HeadState = typeof states[number];

/** Two signed heads that one journal can't have had, in the order in which they came. */
export type LogEvidence = v.InferOutput<typeof evidenceSchema>;

/** What is known of a peer's journal. */
export type PeerLog = v.InferOutput<typeof peerLogSchema>;

/** What a head, or an answer, shows. */
export type LogFinding =
  | { readonly kind: "same" | "proven" | "late" | "ask" | "unproved" }
  | { readonly kind: "fork" | "shrink"; readonly why: string };

/** What a head that came by itself shows; a hello's is to be asked about when it is smaller. */
export function judgeHead(
  known: SignedLogHead,
  { head, isHello }: { readonly head: SignedLogHead; readonly isHello: boolean },
): LogFinding {
  if (head.size === known.size) {
    return head.root === known.root ? { kind: "same" } : { kind: "fork", why: twoRoots(head.size) };
  }
  const isLate = head.size < known.size && head.tsMs <= known.tsMs && !isHello;
  return { kind: isLate ? "late" : "ask" };
}

/** What an answer shows of a head that was known when it was asked for. */
export function judgeAnswer(
  known: SignedLogHead,
  { head, proof }: { readonly head: SignedLogHead; readonly proof: readonly string[] | null },
): LogFinding {
  if (head.size === known.size) return judgeHead(known, { head, isHello: true });
  if (head.size < known.size) {
    const why = `it had ${known.size} events and has ${head.size} now: it was cut or restored`;
    return { kind: "shrink", why };
  }
  if (proof === null) return { kind: "unproved" };
  const shows = isConsistent({
    oldSize: known.size,
    oldRoot: decodeHex(known.root),
    newSize: head.size,
    newRoot: decodeHex(head.root),
    proof: proof.map(decodeHex),
  });
  if (shows) return { kind: "proven" };
  return {
    kind: "fork",
    why:
      `its ${head.size} events do not begin with the ${known.size} that it had, by its own proof`,
  };
}

/** The journals of a mesh's other nodes. */
export class LogHeads {
  readonly #logs = new Map<PeerKey, PeerLog>();
  readonly #waiting = new Map<PeerKey, SignedLogHead[]>();

  /** @param kept as `all` gave it before */
  constructor(kept: readonly PeerLog[] = []) {
    for (const log of kept) this.#logs.set(log.key, log);
  }

  /** What is known of a peer's journal. */
  get(key: PeerKey): PeerLog | undefined {
    return this.#logs.get(key);
  }

  /** All, by key. */
  all(): PeerLog[] {
    return [...this.#logs.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Peers that are to be asked. */
  waitingKeys(): PeerKey[] {
    return [...this.#waiting.keys()];
  }

  /** What a peer is to be asked about: its last head, and those that came since. */
  questionFor(key: PeerKey): SignedLogHead[] {
    const log = this.#logs.get(key);
    return log === undefined ? [] : [log.head, ...this.#waiting.get(key) ?? []];
  }

  /** Takes the first head of a peer; false when one is known. */
  begin(key: PeerKey, head: SignedLogHead): boolean {
    if (this.#logs.has(key)) return false;
    const none = { state: "ok", evidence: [], findings: 0 } as const;
    this.#logs.set(key, { key, head, provenFrom: head.size, ...none, evidence: [] });
    return true;
  }

  /** A head is to be asked about. */
  wait(key: PeerKey, head: SignedLogHead): void {
    const waiting = this.#waiting.get(key) ?? [];
    const others = waiting.filter(({ size, root }) => size !== head.size || root !== head.root);
    this.#waiting.set(key, [...others, head].slice(-waitingMax));
  }

  /** A peer has answered what it was asked about: its head is the last one from now on. */
  settle(
    key: PeerKey,
    answer: {
      readonly head: SignedLogHead;
      readonly asked: readonly SignedLogHead[];
      readonly isUnproved: boolean;
    },
  ): void {
    const { head, asked, isUnproved } = answer;
    const log = this.#logs.get(key);
    if (log === undefined) return;
    const left = this.#waiting.get(key)?.filter((one) => !asked.includes(one)) ?? [];
    if (left.length === 0) this.#waiting.delete(key);
    else this.#waiting.set(key, left);
    const state = log.evidence.length > 0 ? log.state : isUnproved ? "unproved" : "ok";
    const provenFrom = isUnproved ? head.size : log.provenFrom;
    this.#logs.set(key, { ...log, head, state, provenFrom });
  }

  /** A peer was asked and did not answer; it goes on being asked. */
  unanswered(key: PeerKey): void {
    const log = this.#logs.get(key);
    if (log?.state === "ok") this.#logs.set(key, { ...log, state: "unproved" });
  }

  /** The same head again, signed later. */
  confirm(key: PeerKey, head: SignedLogHead): void {
    const log = this.#logs.get(key);
    if (log !== undefined && head.tsMs > log.head.tsMs) this.#logs.set(key, { ...log, head });
  }

  /** Keeps what speaks against a peer; false when it was known, or enough is. */
  blame(key: PeerKey, evidence: LogEvidence): boolean {
    const log = this.#logs.get(key);
    if (log === undefined || log.evidence.some((one) => isSameEvidence(one, evidence))) {
      return false;
    }
    const isKept = log.evidence.length < findingsMax;
    this.#logs.set(key, {
      ...log,
      state: log.state === "fork" ? "fork" : evidence.kind,
      provenFrom: evidence.later.size,
      findings: log.findings + 1,
      evidence: isKept ? [...log.evidence, evidence] : log.evidence,
    });
    return isKept;
  }

  /** Somebody knows why: the peer counts as good from its last head on. @returns whether it is known */
  accept(key: PeerKey): boolean {
    const log = this.#logs.get(key);
    if (log === undefined) return false;
    const provenFrom = log.head.size;
    this.#logs.set(key, { ...log, state: "ok", provenFrom, evidence: [], findings: 0 });
    return true;
  }

  /** Forgets all but these. */
  keepOnly(keys: ReadonlySet<PeerKey>): void {
    for (const key of this.#logs.keys()) {
      if (keys.has(key)) continue;
      this.#logs.delete(key);
      this.#waiting.delete(key);
    }
  }
}

function twoRoots(size: number): string {
  return `it signed two different journals of ${size} events`;
}

function isSameEvidence(one: LogEvidence, other: LogEvidence): boolean {
  return one.kind === other.kind && one.earlier.size === other.earlier.size &&
    one.earlier.root === other.earlier.root && one.later.size === other.later.size &&
    one.later.root === other.later.root;
}
