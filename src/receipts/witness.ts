/**
 * Remembers what this node's stages computed, and signs for it when the requester asks.
 *
 * It is told of every row (the `StageWitness` of the stages has this face), and hashes it once the
 * stage has sent it on: rows that it was told of must not change any more. What was signed is kept
 * on disk too, where there is a store, so that its leaves outlive the process. Records stay for a day
 * after their session was closed, or after its lease has run out: from the opening, and from each
 * signature, a session is recorded for as long as the lease, whatever happens to others. Policy at a
 * limit: the record that was closed first goes, then those whose lease is over, and where none is a
 * new session is not recorded. All are counted.
 */
import { Blake3, encodeHex } from "../hot/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { ReceiptError } from "./errors.ts";
import { LateWork } from "./_late_work.ts";
import type { LeafStore } from "./leaf_store.ts";
import type { LeafTree } from "./leaf_tree.ts";
import type { TreeName } from "./judge.ts";
import { SessionRecord } from "./session_record.ts";
import type { RecordedOpen, RecordedRows } from "./session_record.ts";
import { openingDigest } from "./opening.ts";
import type { StatementSigner } from "./signing.ts";
import { signStageStatement } from "./stage_statement.ts";
import type { StageStatement } from "./stage_statement.ts";

/** What a witness works with. */
export interface WitnessOptions {
  /** Public key of this node, 64 hexadecimal digits. */
  readonly self: string;
  /** Signs with that key. */
  readonly signer: StatementSigner;
  readonly clock: Pick<Clock, "nowMs" | "after">;
  /** Keeps the leaves of what was signed; without it they last as long as the process. */
  readonly store?: LeafStore | undefined;
  /** How long a session is recorded without being signed for again. @default 10 min */
  readonly leaseMs?: number;
  /** How long records stay after their session was closed. @default 24 h */
  readonly keepMs?: number;
  /** Records at most. @default 4096 */
  readonly recordsMax?: number;
  /** Bytes of leaves at most. @default 256 MiB */
  readonly bytesMax?: number;
}

/** What a requester asks a stage to sign. */
export interface SignAsk {
  readonly session: string;
  /** 64 hexadecimal digits, of this request alone. */
  readonly request: string;
  /** The position after the last one. */
  readonly to: number;
}

/** Leaves of one tree, with what shows the first of them to be in it. */
export interface KeptLeaves {
  /** Position of the first leaf. */
  readonly from: number;
  /** 32 B each. */
  readonly leaves: Uint8Array;
  /** Leaves of the signed tree. */
  readonly count: number;
  /** Of the first leaf: 32 B each. */
  readonly path: Uint8Array;
}

/** Which leaves are asked for. */
export interface LeavesAsk {
  readonly session: string;
  readonly tree: TreeName;
  /** Positions, of those that were signed for; at most 4096. */
  readonly from: number;
  readonly to: number;
  /** The position after the last one that was signed for. */
  readonly end: number;
}

/** Leaves of one answer at most: they fit in a frame. */
export const leavesPerAnswerMax = 4096;

const dayMs = 24 * 3600 * 1000;
const leaseMsDefault = 10 * 60 * 1000;

/** The witness of one node. */
export class ReceiptWitness {
  readonly #options: Required<Omit<WitnessOptions, "store">>;
  readonly #store: LeafStore | undefined;
  readonly #blake3 = new Blake3();
  readonly #late: LateWork;
  readonly #records = new Map<string, SessionRecord>();
  #signed = 0;
  #forgotten = 0;
  #unrecorded = 0;
  #lapsed = 0;

  constructor({ store, ...options }: WitnessOptions) {
    this.#store = store;
    this.#late = new LateWork(options.clock);
    this.#options = {
      keepMs: dayMs,
      leaseMs: leaseMsDefault,
      recordsMax: 4096,
      bytesMax: 256 * 1024 * 1024,
      ...options,
    };
  }

  /** Public key of this node. */
  get self(): string {
    return this.#options.self;
  }

  /** Counters since the start. */
  counters(): {
    readonly records: number;
    readonly signed: number;
    /** Records that went before their time. */
    readonly forgotten: number;
    /** Of them, those that were not closed: their lease was over. */
    readonly lapsed: number;
    /** Sessions for which there was no room. */
    readonly unrecorded: number;
  } {
    return {
      records: this.#records.size,
      signed: this.#signed,
      forgotten: this.#forgotten,
      lapsed: this.#lapsed,
      unrecorded: this.#unrecorded,
    };
  }

  /** A session was opened, or moved; positions before `held` were computed before. */
  opened({ open }: { readonly open: RecordedOpen }, held: number): void {
    this.#late.finish();
    const place = open.stages.find(({ peer }) => peer === this.#options.self);
    if (place === undefined) return;
    const known = this.#records.get(open.session);
    if (known !== undefined && known.open.requester !== open.requester) return;
    if (known === undefined && !this.#makeRoom()) {
      this.#unrecorded++;
      return;
    }
    const record = new SessionRecord({ open, place, held }, known);
    record.leaseEndsMs = this.#options.clock.nowMs() + this.#options.leaseMs;
    this.#records.set(open.session, record);
  }

  /** Rows were computed. */
  computed(rows: RecordedRows & { readonly open: { readonly session: string } }): void {
    const record = this.#records.get(rows.open.session);
    if (record === undefined) return;
    // Rows stay as they are; tokens are whose they are.
    const kept = { ...rows, tokens: rows.tokens?.slice() };
    const bytes = rows.output.byteLength + (rows.input?.byteLength ?? 0);
    this.#late.push(bytes, () => record.add(kept, this.#blake3));
  }

  /** Logits were computed. */
  headed(
    rows: {
      readonly open: { readonly session: string };
      readonly firstPosition: number;
      readonly positionCount: number;
      readonly logits: Float32Array;
    },
  ): void {
    const record = this.#records.get(rows.open.session);
    if (record === undefined) return;
    this.#late.push(rows.logits.byteLength, () => record.addLogits(rows, this.#blake3));
  }

  /** Positions from here on are forgotten. */
  truncated(session: string, positionCount: number): void {
    this.#late.finish();
    this.#records.get(session)?.cut(positionCount);
  }

  /** Nobody computes the session any more; it can be signed for a day. */
  closed(session: string): void {
    this.#late.finish();
    const record = this.#records.get(session);
    if (record === undefined) return;
    record.closedMs = this.#options.clock.nowMs();
    // Again at the end, so that the first is always the one that was closed first.
    this.#records.delete(session);
    this.#records.set(session, record);
    this.#expire();
  }

  /**
   * Signs for what was computed of a session.
   *
   * @param peer who asks: only who opened it may
   * @throws {ReceiptError} "refused"
   */
  async sign({ session, request, to }: SignAsk, peer: string): Promise<string> {
    const record = await this.#recordOf(session, peer);
    if (record.request !== undefined && record.request !== request) {
      throw refused("it was signed for another request");
    }
    const { input, output, open, place, logits } = record;
    if (to < input.first || to > input.end || to > output.end) {
      throw refused(`positions ${input.first} to ${input.end} were computed, and not ${to}`);
    }
    record.request = request;
    record.leaseEndsMs = this.#options.clock.nowMs() + this.#options.leaseMs;
    const { requester, payer, root, numericClass } = open;
    const statement: StageStatement = {
      opening: openingDigest({ request, requester, payer, root, class: numericClass, session }),
      stage: this.#options.self,
      embedding: record.isEmbedding ?? place.embedding,
      layers: { from: place.from, to: place.to },
      head: place.head,
      positions: { from: input.first, to },
      inputRoot: encodeHex(input.tree.root(to - input.first)),
      outputRoot: encodeHex(output.tree.root(to - output.first)),
      logits: place.head && logits.first < to && logits.end >= to
        ? { from: logits.first, to, root: encodeHex(logits.tree.root(to - logits.first)) }
        : undefined,
      serial: ++record.serial,
      signedAtMs: this.#options.clock.nowMs(),
    };
    this.#signed++;
    // First, so that there is no signature whose leaves a crash takes along.
    await this.#store?.keep(record, to);
    return await signStageStatement(statement, this.#options.signer);
  }

  /**
   * Leaves of a tree that was signed.
   *
   * @param peer who asks: only who opened the session may, as leaves of tokens tell the tokens
   * @throws {ReceiptError} "refused"
   */
  async leaves(
    { session, tree, from, to, end }: LeavesAsk,
    peer: string,
  ): Promise<KeptLeaves> {
    const run = (await this.#recordOf(session, peer))[tree];
    const isThere = from >= run.first && from < to && to <= end && end <= run.end &&
      to - from <= leavesPerAnswerMax;
    if (!isThere) {
      throw refused(
        `at most ${leavesPerAnswerMax} leaves of positions ${run.first} to ${run.end} are given`,
      );
    }
    const all: LeafTree = run.tree;
    const leaves = all.leaves().subarray(32 * (from - run.first), 32 * (to - run.first));
    const count = end - run.first;
    return { from, leaves, count, path: all.path(from - run.first, count) };
  }

  async #recordOf(session: string, peer: string): Promise<SessionRecord> {
    this.#late.finish();
    this.#expire();
    const record = this.#records.get(session) ?? await this.#restored(session);
    if (record?.open.requester === peer) return record;
    throw refused("nothing is kept of the session for who asks");
  }

  /** What an earlier process has kept of a session; it counts as closed. */
  async #restored(session: string): Promise<SessionRecord | undefined> {
    const found = await this.#store?.find(session);
    if (found === undefined || found.record.place.peer !== this.#options.self) return undefined;
    // It may have been opened meanwhile.
    const known = this.#records.get(session);
    if (known !== undefined) return known;
    found.record.closedMs = found.keptAtMs;
    if (this.#makeRoom()) this.#records.set(session, found.record);
    return found.record;
  }

  #expire(): void {
    const { clock, keepMs } = this.#options;
    const before = clock.nowMs() - keepMs;
    for (const [session, record] of this.#records) {
      if ((record.closedMs ?? record.leaseEndsMs) < before) this.#records.delete(session);
    }
  }

  /** Whether there is room for one more record. */
  #makeRoom(): boolean {
    this.#expire();
    const { recordsMax, bytesMax, clock } = this.#options;
    const nowMs = clock.nowMs();
    const all = [...this.#records.values()];
    let bytes = all.reduce((sum, record) => sum + record.bytes, 0);
    const isRoom = (): boolean => this.#records.size < recordsMax && bytes < bytesMax;
    const closed = all.filter(({ closedMs }) => closedMs !== undefined);
    const lapsed = all.filter(({ closedMs, leaseEndsMs }) =>
      closedMs === undefined && leaseEndsMs < nowMs
    );
    for (const record of [...closed, ...lapsed]) {
      if (isRoom()) return true;
      this.#records.delete(record.open.session);
      this.#forgotten++;
      if (record.closedMs === undefined) this.#lapsed++;
      bytes -= record.bytes;
    }
    return isRoom();
  }
}

function refused(why: string): ReceiptError {
  return new ReceiptError({ code: "refused", message: `Cannot vouch for the session as ${why}` });
}
