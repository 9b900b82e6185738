/**
 * Watches the journals of the mesh: keeps the last signed head of each peer, asks for proof that a new
 * one contains it, and says when it does not. A peer is not put out for it: that is the user's decision.
 */
import { isHeadOf } from "../../journal/mod.ts";
import type { SignedLogHead } from "../../journal/mod.ts";
import {
  bytesOfKey,
  judgeAnswer,
  judgeHead,
  LogHeads,
  logHeadsTopic,
  MembershipError,
  parseHeadMessage,
} from "../../mesh/mod.ts";
import type { LogAnswer, LogFinding, PeerLog } from "../../mesh/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { MeshStream, PeerKey } from "../../ports/mod.ts";
import { answerForLog, askForLog } from "./log_exchange.ts";
import { LogReports } from "./log_reports.ts";
import type { LogReportsParts } from "./log_reports.ts";
import type { MeshFiles } from "./mesh_files.ts";
import { OwnLog } from "./own_log.ts";
import type { Refusals } from "./refusals.ts";

/** Between two questions to one peer, and two tellings of this node's own head, at least: 30 s. */
const pauseMs = 30_000;

/** Between two savings of heads, at least; what speaks against a peer is saved at once. */
const saveMs = 5_000;

/** Questions under way at once, at most; and how quickly one peer may ask, in milliseconds. */
const asksMax = 4;
const peerPauseMs = 250;

/** What the watch is made of. */
export interface LogWatchParts extends LogReportsParts {
  readonly host: Host;
  readonly files: Pick<MeshFiles, "readLogHeads" | "writeLogHeads">;
  readonly refusals: Pick<Refusals, "take">;
  /** All members' keys. */
  readonly members: () => ReadonlySet<PeerKey>;
  /** Whether a verified link leads to a peer, so that it can be asked. */
  readonly isLinked: (key: PeerKey) => boolean;
}

/** The watch of one node. */
export class LogWatch {
  readonly #parts: LogWatchParts;
  readonly #own: OwnLog;
  readonly #reports: LogReports;
  #heads = new LogHeads();
  /** When members were asked last, and when they asked. */
  readonly #askedMs = new Map<PeerKey, number>();
  readonly #asking = new Set<PeerKey>();
  readonly #servedMs = new Map<PeerKey, number>();
  #toldMs = -Infinity;
  #toldSize = 0;
  #isDirty = false;
  #savedMs = 0;

  /** @param parts kept for the node's life; `load` comes next */
  constructor(parts: LogWatchParts) {
    this.#parts = parts;
    this.#own = new OwnLog(parts.host);
    this.#reports = new LogReports(parts);
  }

  /** Reads what was known before. */
  async load(): Promise<void> {
    this.#heads = new LogHeads(await this.#parts.files.readLogHeads());
  }

  /** Forgets who is no member, and writes down what is known, if it has changed. @throws {DiskError} */
  async save(): Promise<void> {
    const members = this.#parts.members();
    this.#heads.keepOnly(members);
    for (const times of [this.#askedMs, this.#servedMs]) {
      for (const key of times.keys()) if (!members.has(key)) times.delete(key);
    }
    if (!this.#isDirty) return;
    this.#isDirty = false;
    await this.#parts.files.writeLogHeads(this.#heads.all());
  }

  /** What is known of all peers. */
  all(): PeerLog[] {
    return this.#heads.all();
  }

  /** Takes a peer's journal as good from its last head on. @returns its size; undefined for none */
  async accept(key: PeerKey): Promise<number | undefined> {
    if (!this.#heads.accept(key)) return undefined;
    this.#isDirty = true;
    await this.save();
    return this.#heads.get(key)?.head.size;
  }

  /** This node's head, freshly signed; null while there is none to be had. */
  ownHead(): Promise<SignedLogHead | null> {
    return this.#own.head();
  }

  /** A peer has said how far its journal has come. */
  said(
    key: PeerKey,
    { head, isHello }: { readonly head: SignedLogHead | null; readonly isHello: boolean },
  ): void {
    const known = this.#heads.get(key)?.head;
    if (head === null || !this.#parts.members().has(key)) return;
    const isNews = known?.signature !== head.signature;
    if (isNews && !isHeadOf(head, bytesOfKey(key))) return this.#refuse(key);
    if (known === undefined) {
      this.#heads.begin(key, head);
      this.#isDirty = true;
      return this.#reports.count("first");
    }
    const finding = judgeHead(known, { head, isHello });
    this.#reports.count(finding.kind);
    if (finding.kind === "same") this.#heads.confirm(key, head);
    else if (finding.kind === "ask") {
      this.#heads.wait(key, head);
      if (isHello) void this.#ask(key);
    } else if (finding.kind === "fork") this.#blame(key, { finding, earlier: known, later: head });
  }

  /**
   * Reads gossip until it ends. Of a peer without a link only what is known already is looked at: it
   * can't be asked, and in a large mesh most have none.
   */
  async follow(signal: AbortSignal): Promise<void> {
    const messages = this.#parts.host.mesh.subscribe(logHeadsTopic, signal);
    for await (const { bytes, from } of messages) {
      if (!this.#parts.isLinked(from) && this.#heads.get(from) === undefined) continue;
      try {
        this.said(from, { head: parseHeadMessage(bytes), isHello: false });
      } catch (thrown) {
        if (this.#parts.refusals.take(thrown, from) === undefined) throw thrown;
      }
    }
  }

  /** Lets time pass. */
  tick(): void {
    const nowMs = this.#parts.host.clock.monotonicMs();
    for (const key of this.#heads.waitingKeys()) {
      if (this.#asking.size >= asksMax) break;
      const isPast = nowMs - (this.#askedMs.get(key) ?? -Infinity) >= pauseMs;
      if (isPast && this.#parts.isLinked(key)) void this.#ask(key);
    }
    if (this.#isDirty && nowMs - this.#savedMs >= saveMs) this.#saveSoon(nowMs);
    if (nowMs - this.#toldMs < pauseMs) return;
    this.#toldMs = nowMs;
    this.#tellOwn().catch((why) => {
      this.#parts.host.log.debug("Gossip failed", { why: String(why) });
    });
  }

  /** Answers a peer's question. */
  async serve(stream: MeshStream): Promise<void> {
    const { host, refusals } = this.#parts;
    try {
      this.#checkPace(stream.peer);
      await answerForLog(stream, {
        clock: host.clock,
        self: host.identity.key,
        answer: (known) => this.#answer(known, stream.peer),
      });
    } catch (thrown) {
      stream.reset();
      if (refusals.take(thrown, stream.peer) !== undefined) return;
      host.log.debug("A question about the journal was not answered", { why: String(thrown) });
    }
  }

  async #ask(key: PeerKey): Promise<void> {
    const { host: { mesh, clock, log }, refusals } = this.#parts;
    const asked = this.#heads.questionFor(key);
    if (asked.length === 0 || this.#asking.has(key)) return;
    this.#asking.add(key);
    this.#askedMs.set(key, clock.monotonicMs());
    try {
      this.#weigh(key, { asked, answer: await askForLog({ mesh, clock, key }, asked) });
    } catch (thrown) {
      refusals.take(thrown, key);
      log.debug("A peer did not prove its journal", { peer: key, why: String(thrown) });
      this.#heads.unanswered(key);
    } finally {
      this.#asking.delete(key);
      this.#isDirty = true;
    }
  }

  #weigh(
    key: PeerKey,
    { asked, answer: { head, proofs } }: {
      readonly asked: readonly SignedLogHead[];
      readonly answer: LogAnswer;
    },
  ): void {
    let isUnproved = false;
    for (const [i, earlier] of asked.entries()) {
      const finding = judgeAnswer(earlier, { head, proof: proofs[i] ?? null });
      this.#reports.count(finding.kind);
      this.#blame(key, { finding, earlier, later: head });
      if (finding.kind === "unproved") isUnproved = true;
    }
    if (isUnproved) this.#reports.unproved(key, { known: asked[0]?.size ?? 0, size: head.size });
    this.#heads.settle(key, { head, asked, isUnproved });
  }

  #blame(
    key: PeerKey,
    about: {
      readonly finding: LogFinding;
      readonly earlier: SignedLogHead;
      readonly later: SignedLogHead;
    },
  ): void {
    const { finding, earlier, later } = about;
    if (finding.kind !== "fork" && finding.kind !== "shrink") return;
    const atMs = this.#parts.host.clock.nowMs();
    const evidence = { kind: finding.kind, atMs, earlier, later, why: finding.why };
    this.#isDirty = true;
    if (!this.#heads.blame(key, evidence)) return;
    this.#reports.blamed(key, evidence);
    this.#saveSoon(this.#parts.host.clock.monotonicMs());
  }

  #saveSoon(nowMs: number): void {
    this.#savedMs = nowMs;
    this.save().catch((why) => {
      this.#parts.host.log.error("Heads of journals were not written down", { why: String(why) });
    });
  }

  async #answer(known: readonly SignedLogHead[], peer: PeerKey): Promise<LogAnswer> {
    const answer = await this.#own.answer(known);
    for (const [i, earlier] of known.entries()) {
      const finding = judgeAnswer(earlier, { head: answer.head, proof: answer.proofs[i] ?? null });
      if (finding.kind !== "fork" && finding.kind !== "shrink") continue;
      this.#reports.ownConflict(peer, { known: earlier, head: answer.head, kind: finding.kind });
    }
    return answer;
  }

  async #tellOwn(): Promise<void> {
    const size = await this.#own.size();
    if (size === this.#toldSize) return;
    const head = await this.#own.head();
    if (head === null || head.size === this.#toldSize) return;
    this.#toldSize = head.size;
    const bytes = new TextEncoder().encode(JSON.stringify(head));
    await this.#parts.host.mesh.publish(logHeadsTopic, bytes);
  }

  #checkPace(key: PeerKey): void {
    const nowMs = this.#parts.host.clock.monotonicMs();
    const sinceMs = nowMs - (this.#servedMs.get(key) ?? -Infinity);
    this.#servedMs.set(key, nowMs);
    if (sinceMs >= peerPauseMs) return;
    const message = "Cannot answer questions about the journal as they come too quickly";
    throw new MembershipError({ code: "flood", message });
  }

  #refuse(key: PeerKey): void {
    const message = "Cannot take a head as it is not signed by the node whose journal it is of";
    this.#parts.refusals.take(new MembershipError({ code: "signature", message }), key);
  }
}
