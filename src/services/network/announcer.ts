/**
 * Tells the mesh what this node has: the linked peers at once, and those of a large mesh that are not
 * linked by gossip, which is repeated now and then for those who were not there.
 */
import type { Card } from "../../mesh/mod.ts";
import type { Clock, MeshNetwork } from "../../ports/mod.ts";

/** Gossip about what nodes have; each message is one card, its owner's own. */
export const capabilitiesTopic = "skep/capabilities";

/** Between two announcements of what this node has, at least. */
const announceMsMin = 1_000;

/**
 * Between two announcements when nothing has changed, at most: so long for each time that the mesh
 * has `linksMax` members, so that in a mesh of any size a node hears `linksMax` of them a minute.
 */
const repeatMs = 60_000;

/** What an announcer works with. */
export interface AnnouncerParts {
  readonly clock: Clock;
  readonly mesh: Pick<MeshNetwork, "publish">;
  readonly card: () => Card;
  /** Says it to all linked peers. */
  readonly tellLinked: () => void;
  /** How many members there are for each link of this node; above 1 some are not linked. */
  readonly membersPerLink: () => number;
  readonly onFailed: (why: unknown) => void;
}

/** Announces for one node. */
export class Announcer {
  readonly #parts: AnnouncerParts;
  #isDue = false;
  #announcedMs = -Infinity;

  /** @param parts kept for the announcer's life */
  constructor(parts: AnnouncerParts) {
    this.#parts = parts;
  }

  /** Something else is to be said; now, or as soon as enough time has passed. */
  soon(): void {
    this.#isDue = true;
    this.tick();
  }

  /** Lets time pass. */
  tick(): void {
    const { clock, mesh, card, tellLinked, membersPerLink, onFailed } = this.#parts;
    const nowMs = clock.monotonicMs();
    const pastMs = nowMs - this.#announcedMs;
    if (this.#isDue ? pastMs < announceMsMin : pastMs < repeatMs) return;
    const times = membersPerLink();
    const isPartial = times > 1;
    if (!this.#isDue && (!isPartial || pastMs < repeatMs * times)) return;
    this.#announcedMs = nowMs;
    if (this.#isDue) tellLinked();
    this.#isDue = false;
    if (!isPartial) return;
    const bytes = new TextEncoder().encode(JSON.stringify(card()));
    mesh.publish(capabilitiesTopic, bytes).catch(onFailed);
  }
}
