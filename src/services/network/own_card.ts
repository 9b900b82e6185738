/** What this node says of itself, and how often it has said something else since its start. */
import type { Card } from "../../mesh/mod.ts";
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
