/**
 * How long peers may be silent. A link that went silent and was there again soon after led to a peer
 * that is slow and not gone, as on a machine with too much to do: it gets more time for a while.
 */
import type { Clock, PeerKey } from "../../ports/mod.ts";
import { LINKS_MAX, PATIENCE_MAX, PATIENCE_MS, RETURN_MS, SILENCE_MS_MIN } from "./limits.ts";

interface Standing {
  readonly factor: number;
  readonly untilMs: number;
}

/**
 * The patience of one node with all its peers. It knows of no more than it may have links: of more,
 * which are guests that come and go, the one that was noted first is forgotten, and gets the least.
 */
export class Patience {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #silentSinceMs = new Map<PeerKey, number>();
  readonly #standings = new Map<PeerKey, Standing>();

  /** @param clock by which it wears off */
  constructor(clock: Pick<Clock, "monotonicMs">) {
    this.#clock = clock;
  }

  /** Silence after which a fast link to a peer is dead, in milliseconds. */
  silenceMsOf(key: PeerKey): number {
    return SILENCE_MS_MIN * this.#factorOf(key);
  }

  /** A link to a peer was given up as it was silent. */
  silent(key: PeerKey): void {
    putLast(this.#silentSinceMs, key, this.#clock.monotonicMs());
  }

  /** A peer was heard over a new link. */
  heard(key: PeerKey): void {
    const sinceMs = this.#silentSinceMs.get(key);
    if (sinceMs === undefined) return;
    this.#silentSinceMs.delete(key);
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - sinceMs > RETURN_MS) return;
    const factor = Math.min(PATIENCE_MAX, 2 * this.#factorOf(key));
    putLast(this.#standings, key, { factor, untilMs: nowMs + PATIENCE_MS });
  }

  #factorOf(key: PeerKey): number {
    const standing = this.#standings.get(key);
    if (standing === undefined) return 1;
    if (this.#clock.monotonicMs() < standing.untilMs) return standing.factor;
    this.#standings.delete(key);
    return 1;
  }
}

/** Puts an entry behind all others, and makes room for it. */
function putLast<V>(map: Map<PeerKey, V>, key: PeerKey, value: V): void {
  map.delete(key);
  for (const first of map.keys()) {
    if (map.size < LINKS_MAX) break;
    map.delete(first);
  }
  map.set(key, value);
}
