/**
 * Whether a member that could not be dialled may be doubted. One that nobody else reaches does not
 * object, and is gone; one that objects lives, and is only not to be reached from here: it is doubted
 * again later and later, so that it does not have to object all the time.
 */
import type { PeerKey } from "../../ports/mod.ts";

/** After the first doubt, and at most: 1 min to 1 h. */
const pauseMsMin = 60_000;
const pauseMsMax = 3_600_000;

interface Doubt {
  readonly pauseMs: number;
  readonly dueMs: number;
}

/** The doubts of one node, about members only. */
export class Doubts {
  readonly #doubts = new Map<PeerKey, Doubt>();

  /** Whether a member was doubted so lately that it is not to be looked for. */
  wasDoubted(key: PeerKey, nowMs: number): boolean {
    return nowMs < (this.#doubts.get(key)?.dueMs ?? -Infinity);
  }

  /** A member could not be dialled. @returns whether that is to be told */
  doubt(key: PeerKey, nowMs: number): boolean {
    if (this.wasDoubted(key, nowMs)) return false;
    const known = this.#doubts.get(key);
    const pauseMs = known === undefined ? pauseMsMin : Math.min(2 * known.pauseMs, pauseMsMax);
    this.#doubts.set(key, { pauseMs, dueMs: nowMs + pauseMs });
    return true;
  }

  /** A link leads to a member. */
  forget(key: PeerKey): void {
    this.#doubts.delete(key);
  }

  /** Forgets all but these. */
  keepOnly(members: ReadonlySet<PeerKey>): void {
    for (const key of this.#doubts.keys()) if (!members.has(key)) this.#doubts.delete(key);
  }

  /** Forgets all. */
  clear(): void {
    this.#doubts.clear();
  }
}
