/**
 * Members that are linked by iroh alone though they may have TCP, which carries streams several times
 * faster: a link by TCP that broke while iroh's lived is dialled anew, later and later while that fails.
 */
import type { Clock, MeshNetwork, PeerKey } from "../../ports/mod.ts";

/** Pause before the first attempt, and the longest, in milliseconds: TCP may be barred for good. */
const pauseMsMin = 500;
const pauseMsMax = 60_000;

/** What the upgrades work with. */
export interface UpgradesParts {
  readonly clock: Clock;
  /** Whose links have a transport each, and who dials the transports that are missing. */
  readonly mesh: Pick<MeshNetwork, "dial" | "peers">;
  /** All members. */
  readonly members: () => ReadonlySet<PeerKey>;
  readonly addressesOf: (key: PeerKey) => readonly string[];
}

interface Waiting {
  dueMs: number;
  pauseMs: number;
}

/** The upgrades of one node. */
export class Upgrades {
  readonly #parts: UpgradesParts;
  #waiting = new Map<PeerKey, Waiting>();

  /** @param parts kept for the life of the upgrades */
  constructor(parts: UpgradesParts) {
    this.#parts = parts;
  }

  /** Dials those that are due, forgets who has TCP by now or is gone; what runs ends when `signal` aborts. */
  tick(signal: AbortSignal): void {
    const { clock, mesh, addressesOf } = this.#parts;
    const members = this.#parts.members();
    const nowMs = clock.monotonicMs();
    const waiting = new Map<PeerKey, Waiting>();
    for (const { key, transport } of mesh.peers()) {
      if (transport !== "iroh" || !members.has(key)) continue;
      const one = this.#waiting.get(key) ?? { dueMs: nowMs + pauseMsMin, pauseMs: pauseMsMin };
      waiting.set(key, one);
      if (nowMs < one.dueMs) continue;
      one.pauseMs = Math.min(2 * one.pauseMs, pauseMsMax);
      one.dueMs = nowMs + one.pauseMs;
      const byTcp = addressesOf(key).filter((address) => address.includes("/tcp/"));
      // What fails is tried again.
      if (byTcp.length > 0) mesh.dial(key, { addresses: byTcp, signal }).catch(() => {});
    }
    this.#waiting = waiting;
  }
}
