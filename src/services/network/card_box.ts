/** The members' cards, the newest of each; what an owner said itself counts more than hearsay. */
import { isNewerCard, sameCard } from "../../mesh/mod.ts";
import type { Card, Hello, View } from "../../mesh/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

/** Cards by key; never more than there are members. */
export class CardBox {
  readonly #cards = new Map<PeerKey, { readonly card: Card; readonly isProven: boolean }>();

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

  /** Keeps those of these members. */
  keepOnly(members: ReadonlySet<PeerKey>): void {
    for (const key of this.#cards.keys()) if (!members.has(key)) this.#cards.delete(key);
  }

  /** Forgets all. */
  clear(): void {
    this.#cards.clear();
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
