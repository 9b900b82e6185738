/**
 * What each node must come to see of each other one, by when, and how long it took. A node is to be
 * seen by those that can hear it while it is up, and by nobody else.
 */
import type { PeerKey } from "../ports/mod.ts";

/** How long views may take to follow, in milliseconds. */
export interface Patience {
  /** Until one that is gone is in no view. */
  readonly goneMsMax: number;
  /** Until one that can't be heard any more is in no view on this side. */
  readonly partedMsMax: number;
  /** Until one that is there is in all views. */
  readonly thereMsMax: number;
}

/** The truth, by numbers of nodes. */
export interface Truth {
  readonly count: number;
  isUp(node: number): boolean;
  /** Whether two nodes that are up can hear each other. */
  hears(observer: number, subject: number): boolean;
  /** The number of the node with a key. */
  numberOf(key: PeerKey): number;
}

/** What is to be seen of a subject: that it is there, has gone, or can't be heard. */
type Cause = "there" | "gone" | "parted";

interface Pending {
  readonly cause: Cause;
  /** False when a node that has just come need not lose what it never listed. */
  readonly isTimed: boolean;
  readonly sinceMs: number;
  readonly dueMs: number;
}

/** One whom a node lists; without a doubt unless it is "suspect". Never changed. */
export interface Sight {
  readonly key: PeerKey;
  readonly state: string;
}

/** What a node has listed last, and what that says of each subject, by numbers. */
interface Seen {
  list: readonly Sight[];
  readonly marks: Uint8Array;
}

/** A mark of a subject: not listed, listed with a doubt, listed without. */
const absent = 0;
const doubted = 1;
const sure = 2;

/** How long views took to follow, in milliseconds. */
export interface Lag {
  readonly count: number;
  readonly medianMs: number;
  readonly p95Ms: number;
  readonly maxMs: number;
}

/** A view that is wrong for too long. */
export interface Broken {
  readonly observer: number;
  readonly subject: number;
  readonly cause: "there" | "gone" | "parted";
  readonly sinceMs: number;
}

/** The expectations of one world. */
export class Expectations {
  readonly #truth: Truth;
  readonly #patience: Patience;
  readonly #pending = new Map<number, Map<number, Pending>>();
  readonly #seen = new Map<number, Seen>();
  #lagsMs: Readonly<Record<Cause, number[]>> = { gone: [], parted: [], there: [] };
  #pendingCount = 0;
  #relapses = 0;

  /** @param truth asked whenever something has changed */
  constructor(truth: Truth, patience: Patience) {
    this.#truth = truth;
    this.#patience = patience;
  }

  /** Views that have not followed yet. */
  get pendingCount(): number {
    return this.#pendingCount;
  }

  /** Views that were right and became wrong without a reason. */
  get relapses(): number {
    return this.#relapses;
  }

  /** How long it took until those that went, or were parted, were in no view, and who came in all. */
  lags(): Readonly<Record<Cause, Lag>> {
    const { gone, parted, there } = this.#lagsMs;
    return { gone: lagOf(gone), parted: lagOf(parted), there: lagOf(there) };
  }

  /** Times from now on only. */
  forgetLags(): void {
    this.#lagsMs = { gone: [], parted: [], there: [] };
  }

  /** A node has come or gone. */
  nodeChanged(node: number, nowMs: number): void {
    this.#forget(node);
    this.#seen.delete(node);
    for (let other = 1; other <= this.#truth.count; other++) {
      if (other === node) continue;
      if (this.#truth.isUp(other)) this.#expect(other, node, nowMs);
      if (this.#truth.isUp(node)) this.#expect(node, other, nowMs);
    }
  }

  /** Who hears whom has changed, for any nodes. */
  allChanged(nowMs: number): void {
    for (let observer = 1; observer <= this.#truth.count; observer++) {
      if (!this.#truth.isUp(observer)) continue;
      for (let subject = 1; subject <= this.#truth.count; subject++) {
        if (subject !== observer) this.#expect(observer, subject, nowMs);
      }
    }
  }

  /** A node has told whom it sees; whom it sees as before is the same object as before. */
  seen(observer: number, list: readonly Sight[], nowMs: number): void {
    const known = this.#seen.get(observer);
    if (known !== undefined) {
      const changed = this.#mark(known, list);
      known.list = list;
      for (const subject of changed) this.#compare(observer, subject, nowMs);
      return;
    }
    const seen: Seen = { list: [], marks: new Uint8Array(this.#truth.count + 1) };
    this.#mark(seen, list);
    seen.list = list;
    this.#seen.set(observer, seen);
    for (let subject = 1; subject <= this.#truth.count; subject++) {
      if (subject !== observer) this.#compare(observer, subject, nowMs);
    }
  }

  /** The first view that is wrong for too long. */
  broken(nowMs: number): Broken | undefined {
    if (this.#pendingCount === 0) return undefined;
    for (const [observer, pending] of this.#pending) {
      for (const [subject, { cause, sinceMs, dueMs }] of pending) {
        if (nowMs > dueMs) return { observer, subject, cause, sinceMs };
      }
    }
    return undefined;
  }

  /** Marks what a list says otherwise than the one before; @returns whom that is about */
  #mark({ list: before, marks }: Seen, list: readonly Sight[]): Iterable<number> {
    const { gone, come } = difference(before, list);
    const changed = new Set<number>();
    for (const { key } of gone) {
      const subject = this.#truth.numberOf(key);
      marks[subject] = absent;
      changed.add(subject);
    }
    for (const { key, state } of come) {
      const subject = this.#truth.numberOf(key);
      marks[subject] = state === "suspect" ? doubted : sure;
      changed.add(subject);
    }
    return changed;
  }

  #compare(observer: number, subject: number, nowMs: number): void {
    const isRight = this.#isRight(observer, subject, this.#causeOf(observer, subject));
    const known = this.#pending.get(observer)?.get(subject);
    if (isRight === true && known !== undefined) {
      if (known.isTimed) this.#lagsMs[known.cause].push(nowMs - known.sinceMs);
      this.#settle(observer, subject);
    } else if (isRight === false && known === undefined) {
      this.#relapses += 1;
      this.#expect(observer, subject, nowMs);
    }
  }

  /**
   * Whether what a node has told fits the truth: one that is there must be listed without a doubt, and
   * one that is not must not be listed at all. Undefined when it has told nothing yet.
   */
  #isRight(observer: number, subject: number, cause: Cause): boolean | undefined {
    const mark = this.#seen.get(observer)?.marks[subject];
    return mark === undefined ? undefined : mark === (cause === "there" ? sure : absent);
  }

  #causeOf(observer: number, subject: number): Cause {
    if (!this.#truth.isUp(subject)) return "gone";
    return this.#truth.hears(observer, subject) ? "there" : "parted";
  }

  #expect(observer: number, subject: number, nowMs: number): void {
    const cause = this.#causeOf(observer, subject);
    const known = this.#pending.get(observer)?.get(subject);
    // Who is gone as well as parted need not be missed any sooner.
    if (known !== undefined && (known.cause === "there") === (cause === "there")) return;
    if (known !== undefined) this.#settle(observer, subject);
    if (this.#isRight(observer, subject, cause) === true) return;
    const { goneMsMax, partedMsMax, thereMsMax } = this.#patience;
    const patienceMs = { gone: goneMsMax, parted: partedMsMax, there: thereMsMax }[cause];
    const all = this.#pending.get(observer) ?? new Map<number, Pending>();
    const isTimed = cause === "there" || this.#seen.has(observer);
    const dueMs = nowMs + patienceMs;
    this.#pending.set(observer, all.set(subject, { cause, isTimed, sinceMs: nowMs, dueMs }));
    this.#pendingCount += 1;
  }

  #settle(observer: number, subject: number): void {
    if (this.#pending.get(observer)?.delete(subject) === true) this.#pendingCount -= 1;
  }

  #forget(observer: number): void {
    this.#pendingCount -= this.#pending.get(observer)?.size ?? 0;
    this.#pending.delete(observer);
  }
}

/**
 * What one list has and the other has not, by identity. Lists of one node keep their order, so they
 * are walked side by side; what is found out of order is in both, which does no harm.
 */
function difference(
  before: readonly Sight[],
  after: readonly Sight[],
): { readonly gone: readonly Sight[]; readonly come: readonly Sight[] } {
  const gone: Sight[] = [];
  const come: Sight[] = [];
  let at = 0;
  for (let i = 0; i < after.length; i++) {
    const [one, other] = [before[at], after[i]];
    if (one === other) at += 1;
    else if (other !== undefined && before[at + 1] === other) {
      if (one !== undefined) gone.push(one);
      at += 2;
    } else {
      if (other !== undefined) come.push(other);
      if (one === undefined || after[i + 1] === one) continue;
      gone.push(one);
      at += 1;
    }
  }
  return { gone: [...gone, ...before.slice(at)], come };
}

function lagOf(values: readonly number[]): Lag {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
  return { count: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}
