/** The members' cards, the newest of each; what an owner said itself counts more than hearsay. */
import { isNewerCard, MembershipError, parseCard, sameCard } from "../../mesh/mod.ts";
import type { Card, Hello, View } from "../../mesh/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

/** Cards of nodes that are no members yet: more do not join while one is away and comes back. */
const earlyCardsMax = 64;

/** Cards by key; never more than there are members. */
export class CardBox {
  readonly #cards = new Map<PeerKey, { readonly card: Card; readonly isProven: boolean }>();
  readonly #early = new Map<PeerKey, Card>();

  /** The card of a member. */
  get(key: PeerKey): Card | undefined {
    return this.#cards.get(key)?.card;
  }

  /** All cards. */
  all(): Card[] {
    return [...this.#cards.values()].map(({ card }) => card);
  }

  /**
   * Takes a card in.
   *
   * @param isProven whether its owner has given it
   * @returns whether it says something new
   */
  put(card: Card, isProven: boolean): boolean {
    const known = this.#cards.get(card.key);
    if (known?.isProven === true && !isProven) return false;
    const isBetter = isNewerCard(card, known?.card) || (isProven && known?.isProven === false);
    if (!isBetter) return false;
    this.#cards.set(card.key, { card, isProven });
    return true;
  }

  /**
   * Keeps a card of a node that is no member yet: who was away is told of new members and of their
   * cards at once, and the roster takes a moment to be checked.
   */
  putEarly(card: Card): void {
    this.#early.delete(card.key);
    this.#early.set(card.key, card);
    const [oldest] = this.#early.size > earlyCardsMax ? this.#early.keys() : [];
    if (oldest !== undefined) this.#early.delete(oldest);
  }

  /** Takes those in that are members now; returns what is news, as another passed it on. */
  takeEarly(members: ReadonlySet<PeerKey>): Card[] {
    const news: Card[] = [];
    for (const [key, card] of this.#early) {
      if (!members.has(key)) continue;
      this.#early.delete(key);
      if (this.put(card, false)) news.push(card);
    }
    return news;
  }

  /** Keeps those of these members. */
  keepOnly(members: ReadonlySet<PeerKey>): void {
    for (const key of this.#cards.keys()) if (!members.has(key)) this.#cards.delete(key);
  }

  /** Forgets all. */
  clear(): void {
    this.#cards.clear();
    this.#early.clear();
  }
}

/** The card that a hello has in it. */
export function cardOfHello(hello: Hello): Card {
  const { key, instance, incarnation, sequence, addresses, capabilities } = hello;
  return sameCard({ key, instance, incarnation, sequence, addresses, capabilities });
}

/** The view of somebody who has just given his card. */
export function aliveView({ key, incarnation, sequence }: Card): View {
  return { key, state: "alive", incarnation, sequence };
}

/**
 * The card that a message of gossip is.
 *
 * @throws {MembershipError} "wrong-sender" when it is not the sender's own; "malformed", "too-long"
 */
export function cardOfGossip(bytes: Uint8Array, from: PeerKey): Card {
  const card = parseCard(bytes);
  if (card.key === from) return card;
  const message = "Cannot take a card by gossip as another than its owner has sent it";
  throw new MembershipError({ code: "wrong-sender", message });
}
