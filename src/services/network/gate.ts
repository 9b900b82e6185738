/**
 * The gate: who may have a link, and for what. Nobody who is not in the roster gets a link, except
 * that with an invitation open anybody may come to join, and only that; a member may say hello, and
 * everything else once its hello is verified.
 */
import { helloProtocol, joinProtocol } from "../../mesh/mod.ts";
import type { MeshGate, PeerKey } from "../../ports/mod.ts";
import type { Membership } from "./membership.ts";
import type { Refusals } from "./refusals.ts";

/** What the gate looks at. */
export interface GateParts {
  readonly self: PeerKey;
  readonly membership: Pick<Membership, "has" | "wasRemoved" | "mayJoin" | "state">;
  readonly refusals: Pick<Refusals, "count">;
}

/** The gate of one node. */
export class Gate implements MeshGate {
  readonly #parts: GateParts;
  readonly #verified = new Set<PeerKey>();
  /** Whom this node is asking to be let in. */
  #joining: PeerKey | undefined;

  /** @param parts kept for the gate's life */
  constructor(parts: GateParts) {
    this.#parts = parts;
  }

  /** Lets this node dial an issuer that it wants to join; undefined ends that. */
  setJoining(issuer: PeerKey | undefined): void {
    this.#joining = issuer;
  }

  /** A peer's hello has been verified, or its link is gone. */
  setVerified(key: PeerKey, isVerified: boolean): void {
    if (isVerified) this.#verified.add(key);
    else this.#verified.delete(key);
  }

  /** Whether a peer's hello has been verified. */
  isVerified(key: PeerKey): boolean {
    return this.#verified.has(key) && this.isMember(key);
  }

  /** Whether a peer is a member, of a mesh that this node is in. */
  isMember(key: PeerKey): boolean {
    const { membership, self } = this.#parts;
    return key !== self && membership.state !== "removed" && membership.has(key);
  }

  /** Forgets all verified peers. */
  clear(): void {
    this.#verified.clear();
  }

  admits(key: PeerKey): boolean {
    if (this.isMember(key) || this.#mayJoin(key)) return true;
    const { self, membership, refusals } = this.#parts;
    if (key === self) {
      const sentence = "A node with this node's own key asks for a link: give each its own key";
      refusals.count("duplicate-key", { key, sentence });
    } else if (membership.wasRemoved(key)) {
      refusals.count("evicted", { key, sentence: "A node that was removed asks for a link" });
    } else {refusals.count("stranger", {
        key,
        sentence: "A node that is no member asks for a link",
      });}
    return false;
  }

  allows(key: PeerKey, protocol: string): boolean {
    if (this.isVerified(key)) return true;
    if (protocol === helloProtocol) return this.isMember(key);
    return protocol === joinProtocol && this.#mayJoin(key);
  }

  #mayJoin(key: PeerKey): boolean {
    const { self, membership } = this.#parts;
    return key !== self && (key === this.#joining || membership.mayJoin(key));
  }
}
