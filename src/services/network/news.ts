/**
 * Views that have changed, on their way to the others: gathered for a moment and sent over some of the
 * links whose peers have not told them themselves, and then as riders of the next probes, for whom
 * that has missed. Each who learns them does the same, so that all are reached.
 */
import { encodeRegistryFrame } from "../../mesh/mod.ts";
import type { View } from "../../mesh/mod.ts";
import type { Clock, PeerKey, Random, Timer } from "../../ports/mod.ts";
import type { RegistryLink } from "./registry_link.ts";

/** News are gathered for so long before they are passed on, in milliseconds. */
const gatherMs = 20;

/** Views that ride along with a probe, at most, and how many probes each rides with. */
const ridersMax = 8;
const ridesMax = 6;

/**
 * Links that news are sent over, at most. When each who learns something tells it to n others, about
 * one in e^n is missed (here one in 3,000), and hears it by a rider soon.
 */
const toldMax = 8;

interface Piece {
  readonly view: View;
  /** Who needs not be told any more. */
  readonly by: Set<RegistryLink>;
}

/** What news are sent by. */
export interface NewsParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly links: ReadonlyMap<PeerKey, RegistryLink>;
}

/** The news of one node. */
export class News {
  readonly #parts: NewsParts;
  readonly #pieces = new Map<PeerKey, Piece>();
  /** The newest view of each, those that are to ride first in front. */
  readonly #riders = new Map<PeerKey, { readonly view: View; rides: number }>();
  #gathering: Timer | undefined;

  /** @param parts kept for the node's life */
  constructor(parts: NewsParts) {
    this.#parts = parts;
  }

  /** Passes a view on soon, together with those that come meanwhile. */
  add(view: View): void {
    this.#pieces.set(view.key, { view, by: new Set() });
    this.#riders.delete(view.key);
    this.#riders.set(view.key, { view, rides: 0 });
    for (const oldest of this.#riders.keys()) {
      if (this.#riders.size <= 4 * ridersMax) break;
      this.#riders.delete(oldest);
    }
    this.#gathering ??= this.#parts.clock.after(gatherMs, () => this.#send());
  }

  /** What was to be passed on of a member holds no more. */
  drop(key: PeerKey): void {
    this.#pieces.delete(key);
    this.#riders.delete(key);
  }

  /** A peer has told views: those that are about to be passed on need not go to it. */
  told(views: readonly View[], by: RegistryLink): void {
    if (this.#pieces.size === 0) return;
    for (const { key, state, incarnation } of views) {
      const piece = this.#pieces.get(key);
      if (piece?.view.state === state && piece.view.incarnation === incarnation) piece.by.add(by);
    }
  }

  /** Views to ride along with a probe. */
  takeRiders(): View[] {
    const taken: View[] = [];
    if (this.#riders.size === 0) return taken;
    for (const [key, rider] of this.#riders) {
      if (taken.length >= ridersMax) break;
      taken.push(rider.view);
      rider.rides += 1;
      if (rider.rides >= ridesMax) this.#riders.delete(key);
    }
    return taken;
  }

  /** Sends nothing any more. */
  end(): void {
    this.#gathering?.cancel();
  }

  #send(): void {
    this.#gathering = undefined;
    const pieces = [...this.#pieces.values()];
    this.#pieces.clear();
    if (pieces.length === 0) return;
    const untold = [...this.#parts.links.values()].filter((link) =>
      !pieces.every(({ by }) => by.has(link))
    );
    const views = pieces.map(({ view }) => view);
    const bytes = encodeRegistryFrame({ kind: "views", isAll: false, views });
    for (const link of this.#some(untold)) link.sendBytes(bytes);
  }

  /** All of a few links, or some by chance. */
  #some(links: RegistryLink[]): readonly RegistryLink[] {
    if (links.length <= toldMax) return links;
    const drawn = this.#parts.random.fill(new Uint8Array(2 * toldMax));
    for (let i = 0; i < toldMax; i++) {
      const number = (drawn[2 * i] ?? 0) * 256 + (drawn[2 * i + 1] ?? 0);
      const at = i + number % (links.length - i);
      const [one, other] = [links[i], links[at]];
      if (one === undefined || other === undefined) break;
      links[i] = other;
      links[at] = one;
    }
    return links.slice(0, toldMax);
  }
}
