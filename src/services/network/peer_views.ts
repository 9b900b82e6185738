/** What the node tells of its peers: the roster, the registry and the links as one list. */
import type { Host } from "../../kernel/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { CapabilityBook } from "./capability_book.ts";
import type { PeerList, PeerView } from "./contract.ts";
import { hidOfKey } from "./keys.ts";
import type { MeshMember } from "./mesh_member.ts";

/** What the list is made of. */
export interface PeerListParts {
  readonly host: Pick<Host, "identity" | "mesh">;
  readonly book: CapabilityBook;
  readonly member: MeshMember;
}

/**
 * The members, those that are gone only with `all`. A peer is "linked" by its live, verified link and
 * by nothing else.
 */
export function peerListOf(parts: PeerListParts, all: boolean): PeerList {
  const { host: { identity }, book, member } = parts;
  const { key: self, hid } = identity;
  const trust = member.membership.trustOf(self);
  const links = new Map(parts.host.mesh.peers().map((peer) => [peer.key, peer]));
  const peers = [...member.membership.keys]
    .filter((key) => key !== self)
    .map((key) => viewOf(key, { member, link: links.get(key) }))
    .filter(({ state }) => all || state !== "gone");
  const { capabilities } = book;
  return { self: { key: self, hid, ...(trust ? { trust } : {}), capabilities }, peers };
}

function viewOf(
  key: PeerKey,
  about: {
    readonly member: MeshMember;
    readonly link: ReturnType<Host["mesh"]["peers"]>[number] | undefined;
  },
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
