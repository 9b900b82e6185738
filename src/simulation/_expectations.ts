/**
 * What each node must come to see of each other one, by when, and how long it took. A node is to be
 * seen by those that can hear it while it is up, and by nobody else.
 */

/** How long views may take to follow, in milliseconds. */
export interface Patience {
  /** Until one that is gone is in no view. */
  readonly goneMsMax: number;
  /** Until one that is there is in all views. */
  readonly thereMsMax: number;
}

/** The truth, by numbers of nodes. */
export interface Truth {
  readonly count: number;
  isUp(node: number): boolean;
  /** Whether two nodes that are up can hear each other. */
  hears(observer: number, subject: number): boolean;
}

interface Pending {
  readonly isThere: boolean;
  readonly sinceMs: number;
  readonly dueMs: number;
}

/** Whom a node lists, and whether without a doubt. */
export type View = ReadonlyMap<number, boolean>;

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
  readonly isThere: boolean;
  readonly sinceMs: number;
}

/** The expectations of one world. */
export class Expectations {
  readonly #truth: Truth;
  readonly #patience: Patience;
  readonly #pending = new Map<number, Map<number, Pending>>();
  readonly #views = new Map<number, View>();
  readonly #goneMs: number[] = [];
  readonly #thereMs: number[] = [];
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

  /** How long it took until those that went were in no view, and those that came in all. */
  lags(): { readonly gone: Lag; readonly there: Lag } {
    return { gone: lagOf(this.#goneMs), there: lagOf(this.#thereMs) };
  }

  /** A node has come or gone. */
  nodeChanged(node: number, nowMs: number): void {
    this.#forget(node);
    this.#views.delete(node);
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

  /** A node has told whom it sees. */
  seen(observer: number, view: View, nowMs: number): void {
    this.#views.set(observer, view);
    const pending = this.#pending.get(observer);
    for (let subject = 1; subject <= this.#truth.count; subject++) {
      if (subject === observer) continue;
      const isRight = isRightIn(view, subject, this.#isThere(observer, subject));
      const known = pending?.get(subject);
      if (isRight && known !== undefined) {
        (known.isThere ? this.#thereMs : this.#goneMs).push(nowMs - known.sinceMs);
        this.#settle(observer, subject);
      } else if (!isRight && known === undefined) {
        this.#relapses += 1;
        this.#expect(observer, subject, nowMs);
      }
    }
  }

  /** The first view that is wrong for too long. */
  broken(nowMs: number): Broken | undefined {
    if (this.#pendingCount === 0) return undefined;
    for (const [observer, pending] of this.#pending) {
      for (const [subject, { isThere, sinceMs, dueMs }] of pending) {
        if (nowMs > dueMs) return { observer, subject, isThere, sinceMs };
      }
    }
    return undefined;
  }

  #isThere(observer: number, subject: number): boolean {
    return this.#truth.isUp(subject) && this.#truth.hears(observer, subject);
  }

  #expect(observer: number, subject: number, nowMs: number): void {
    const isThere = this.#isThere(observer, subject);
    const known = this.#pending.get(observer)?.get(subject);
    if (known?.isThere === isThere) return;
    if (known !== undefined) this.#settle(observer, subject);
    const view = this.#views.get(observer);
    if (view !== undefined && isRightIn(view, subject, isThere)) return;
    const { goneMsMax, thereMsMax } = this.#patience;
    const all = this.#pending.get(observer) ?? new Map<number, Pending>();
    const dueMs = nowMs + (isThere ? thereMsMax : goneMsMax);
    this.#pending.set(observer, all.set(subject, { isThere, sinceMs: nowMs, dueMs }));
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

/** One that is there must be listed without a doubt, and one that is not must not be listed at all. */
function isRightIn(view: View, subject: number, isThere: boolean): boolean {
  return isThere ? view.get(subject) === true : !view.has(subject);
}

function lagOf(values: readonly number[]): Lag {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? 0;
  return { count: sorted.length, medianMs: at(0.5), p95Ms: at(0.95), maxMs: at(1) };
}
