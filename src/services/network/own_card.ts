/** What this node says of itself, and how often it has said something else since its start. */
import type { SignedLogHead } from "../../journal/mod.ts";
import type { Card, Hello, Roster } from "../../mesh/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { CapabilityBook } from "./capability_book.ts";
import { randomHex } from "./keys.ts";

/** The card of this node. */
export class OwnCard {
  readonly #host: Pick<Host, "identity">;
  readonly #book: CapabilityBook;
  readonly #instance: string;
  #sequence = 1;

  /** @param book what its services say */
  constructor(host: Pick<Host, "identity" | "random">, book: CapabilityBook) {
    this.#host = host;
    this.#book = book;
    this.#instance = randomHex(host.random, 16);
  }

  /** It says something else from now on. */
  renew(): void {
    this.#sequence += 1;
  }

  /** The card now. */
  card(now: { readonly incarnation: number; readonly addresses: readonly string[] }): Card {
    return {
      key: this.#host.identity.key,
      instance: this.#instance,
      incarnation: now.incarnation,
      sequence: this.#sequence,
      addresses: [...now.addresses],
      capabilities: this.#book.capabilities,
    };
  }
}

/** What a node says in hello beside what the exchange adds: its card, with the head of its journal. */
export function saidInHello(
  { key: _own, capabilities, ...card }: Card,
  more: { readonly roster: Roster | undefined; readonly logHead: SignedLogHead | null },
): Omit<Card, "key"> & Pick<Hello, "rosterVersion"> {
  const { roster, logHead } = more;
  const rosterVersion = roster?.version ?? 0;
  return { ...card, capabilities: { ...capabilities, logHead }, rosterVersion };
}
