/**
 * Reads cards that come by gossip. Members repeat theirs now and then for those who were not there;
 * what is the same byte for byte is not read again.
 */
import { MembershipError, membersMax, parseCard } from "../../mesh/mod.ts";
import type { Card } from "../../mesh/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

interface Heard {
  readonly bytes: Uint8Array;
  readonly card: Card;
}

/** The last card of each who has published one. */
export class HeardCards {
  readonly #heard = new Map<PeerKey, Heard>();

  /**
   * The card in a message.
   *
   * @param from who has published it, proven by the mesh
   * @throws {MembershipError} "malformed", "too-long", "wrong-sender"
   */
  read(bytes: Uint8Array, from: PeerKey): Card {
    const known = this.#heard.get(from);
    if (known !== undefined && isSame(known.bytes, bytes)) return known.card;
    const card = parseCard(bytes);
    if (card.key !== from) {
      const message = "Cannot take a card by gossip as another than its owner has sent it";
      throw new MembershipError({ code: "wrong-sender", message });
    }
    // Those who have left the mesh since are not looked for; they go with the others.
    if (known === undefined && this.#heard.size >= 2 * membersMax) this.#heard.clear();
    this.#heard.set(from, { bytes, card });
    return card;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
