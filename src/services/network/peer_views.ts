/**
 * What the node tells of its peers: the roster, the registry and the links as one list. Of a large
 * mesh little changes at a time, so a view is made anew only when its peer was said to have changed,
 * or while a link to it is there, whose round trip changes by itself; the others stay the same frozen
 * objects.
 */
import { share, shareList } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { MeshPeer, PeerKey } from "../../ports/mod.ts";
import type { CapabilityBook } from "./capability_book.ts";
import type { PeerList, PeerView } from "./contract.ts";
import { hidOfKey } from "./keys.ts";
import type { MeshMember } from "./mesh_member.ts";
import type { MeshSession } from "./mesh_session.ts";

/** What the list is made of. */
export interface PeerListParts {
  readonly host: Pick<Host, "identity" | "mesh">;
  readonly book: CapabilityBook;
  readonly member: MeshMember;
}

/** The views of one node. */
export class PeerViews {
  readonly #parts: PeerListParts;
  /** All members but this node, in the roster's order; and where each is. */
  #views: PeerView[] = [];
  readonly #places = new Map<PeerKey, number>();
  /** Whether each is gone, so that listing the others looks at none of them. */
  #isGone: boolean[] = [];
  readonly #changed = new Set<PeerKey>();
  #linked: readonly PeerKey[] = [];
  /** Those that are there; undefined after a change. */
  #present: readonly PeerView[] | undefined;
  /** What the views were made from; another one makes all of them anew. */
  #keys: ReadonlySet<PeerKey> | undefined;
  #session: MeshSession | undefined;
  #bookRevision = -1;

  /** @param parts kept for the node's life */
  constructor(parts: PeerListParts) {
    this.#parts = parts;
  }

  /** Something about a peer, or about any of them, has changed. */
  changed(key?: PeerKey): void {
    if (key === undefined) this.#keys = undefined;
    else this.#changed.add(key);
  }

  /**
   * The members, those that are gone only with `all`. A peer is "linked" by its live, verified link
   * and by nothing else. The list is frozen.
   */
  list(all: boolean): PeerList {
    this.#renew();
    const { host: { identity }, book: { capabilities }, member } = this.#parts;
    const trust = member.membership.trustOf(identity.key);
    const self = { key: identity.key, hid: identity.hid, ...(trust ? { trust } : {}) };
    const peers = all
      ? shareList([...this.#views])
      : this.#present ??= shareList(this.#views.filter((_, i) => this.#isGone[i] !== true));
    return share({ self: { ...self, capabilities }, peers });
  }

  #renew(): void {
    const { host, member } = this.#parts;
    const { membership, peerBook } = member;
    const links = new Map(host.mesh.peers().map((peer) => [peer.key, peer]));
    const isOther = this.#keys !== membership.keys || this.#session !== member.session ||
      this.#bookRevision !== peerBook.revision;
    if (isOther) {
      this.#keys = membership.keys;
      this.#session = member.session;
      this.#bookRevision = peerBook.revision;
      this.#makeAll(links);
    } else {
      for (const key of this.#linked) if (!links.has(key)) this.#changed.add(key);
      for (const key of this.#changed) this.#put(key, links.get(key));
      for (const [key, link] of links) {
        if (!this.#changed.has(key) && !this.#isOfLink(key, link)) this.#put(key, link);
      }
    }
    this.#changed.clear();
    this.#linked = [...links.keys()];
  }

  /** Makes all views; of those that say the same as before the old objects stay. */
  #makeAll(links: ReadonlyMap<PeerKey, MeshPeer>): void {
    const { host: { identity }, member } = this.#parts;
    const before = this.#views;
    const places = new Map(this.#places);
    this.#views = [];
    this.#places.clear();
    for (const key of member.membership.keys) {
      if (key === identity.key) continue;
      const view = viewOf(key, { member, link: links.get(key) });
      const known = before[places.get(key) ?? -1];
      this.#places.set(key, this.#views.length);
      this.#views.push(known !== undefined && isSameView(known, view) ? known : share(view));
    }
    this.#isGone = this.#views.map(({ state }) => state === "gone");
    this.#present = undefined;
  }

  #put(key: PeerKey, link: MeshPeer | undefined): void {
    const place = this.#places.get(key);
    const known = this.#views[place ?? -1];
    if (place === undefined || known === undefined) return;
    const view = viewOf(key, { member: this.#parts.member, link });
    if (isSameView(known, view)) return;
    this.#views[place] = share(view);
    this.#isGone[place] = view.state === "gone";
    this.#present = undefined;
  }

  /** Whether the view of a peer that was not said to have changed still fits its link. */
  #isOfLink(key: PeerKey, link: MeshPeer): boolean {
    const view = this.#views[this.#places.get(key) ?? -1];
    const isVerified = this.#parts.member.session?.registry.linkOf(key) !== undefined;
    return view === undefined ||
      (isVerified
        ? view.state === "linked" && view.transport === link.transport &&
          view.address === link.address && view.direction === link.direction &&
          view.roundTripMs === link.roundTripMs
        : view.state !== "linked");
  }
}

function viewOf(
  key: PeerKey,
  about: { readonly member: MeshMember; readonly link: MeshPeer | undefined },
): PeerView {
  const { member: { session, membership, peerBook }, link } = about;
  const standing = session?.registry.stateOf(key);
  const isLinked = link !== undefined && session?.registry.linkOf(key) !== undefined;
  const card = session?.registry.cardOf(key);
  const alias = peerBook.aliasOf(key);
  const roundTripMs = link?.roundTripMs;
  return {
    key,
    hid: hidOfKey(key),
    ...(alias === undefined ? {} : { alias }),
    trust: membership.trustOf(key) ?? "member",
    state: isLinked ? "linked" : standing?.state ?? "gone",
    sinceMs: standing?.sinceMs ?? 0,
    ...(!isLinked ? {} : {
      transport: link.transport,
      address: link.address,
      direction: link.direction,
      ...(roundTripMs === undefined ? {} : { roundTripMs }),
    }),
    addresses: [...peerBook.addressesOf(key, card?.addresses ?? [])].slice(0, 16),
    capabilities: card?.capabilities ?? null,
  };
}

/** Whether two views of one peer say the same. */
function isSameView(one: PeerView, other: PeerView): boolean {
  return one.state === other.state && one.sinceMs === other.sinceMs &&
    one.capabilities === other.capabilities && one.roundTripMs === other.roundTripMs &&
    one.address === other.address && one.direction === other.direction &&
    one.transport === other.transport && one.alias === other.alias && one.trust === other.trust &&
    one.addresses.join() === other.addresses.join();
}
