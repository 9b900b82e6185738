/** Peers that are linked and no members: they may stay as long as joining takes. */
import type { Clock, MeshNetwork, PeerKey } from "../../ports/mod.ts";

/** How long a stranger may stay to join. */
const strangerMs = 20_000;

/** What strangers are dismissed with. */
export interface StrangersParts {
  readonly clock: Clock;
  readonly mesh: Pick<MeshNetwork, "disconnect">;
}

/** The links of those who are no members, and since when; the gate bounds how many there are. */
export class Strangers {
  readonly #parts: StrangersParts;
  readonly #since = new Map<PeerKey, number>();

  /** @param parts kept for the session's life */
  constructor(parts: StrangersParts) {
    this.#parts = parts;
  }

  /** One is linked; one that is known already stays no longer for that. */
  add(key: PeerKey): void {
    if (!this.#since.has(key)) this.#since.set(key, this.#parts.clock.monotonicMs());
  }

  /** One has gone, or has become a member. */
  delete(key: PeerKey): void {
    this.#since.delete(key);
  }

  /** Closes the links of those who have had their time. */
  dismiss(): void {
    const nowMs = this.#parts.clock.monotonicMs();
    for (const [key, sinceMs] of this.#since) {
      if (nowMs - sinceMs > strangerMs) void this.#parts.mesh.disconnect(key);
    }
  }
}
