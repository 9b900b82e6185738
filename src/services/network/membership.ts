/**
 * Which mesh the node is in: its roster and, for an issuer, its open invitations. Every change is on
 * disk before it counts.
 */
import {
  addInvitation,
  bytesOfKey,
  changeRoster,
  foundRoster,
  hasLateInvitation,
  MembershipError,
  newerRoster,
  openInvitationCount,
  openRoster,
  redeemInvitation,
  signRoster,
} from "../../mesh/mod.ts";
import type { Invitation, RosterChange, SignedRoster, Trust } from "../../mesh/mod.ts";
import type { Host, HostIdentity } from "../../kernel/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";
import type { MeshFiles } from "./mesh_files.ts";

/** What a node's membership is. */
export type MembershipState = "none" | "issuer" | "member" | "removed";

/** A roster that has taken another's place. */
export interface RosterStep {
  readonly signed: SignedRoster;
  readonly added: readonly PeerKey[];
  readonly removed: readonly PeerKey[];
}

/** What membership is made of. */
export interface MembershipParts {
  readonly files: MeshFiles;
  readonly identity: HostIdentity;
  readonly host: Pick<Host, "clock" | "log">;
}

/** The node's membership. */
export class Membership {
  readonly #parts: MembershipParts;
  #signed: SignedRoster | undefined;
  #trusts: ReadonlyMap<PeerKey, Trust> = new Map();
  #keys: ReadonlySet<PeerKey> = new Set();
  #removed: ReadonlySet<PeerKey> = new Set();
  /** What follows from the roster; it is asked for with every frame and tick. */
  #state: MembershipState = "none";
  #invitations: readonly Invitation[] = [];
  /** Changes are made one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  /** @param parts kept for the node's life; `load` comes next */
  constructor(parts: MembershipParts) {
    this.#parts = parts;
  }

  /** Reads it from disk; a roster that does not verify is told of and counts as none. */
  async load(): Promise<void> {
    const { files, host } = this.#parts;
    const kept = await files.readRoster();
    if (kept === undefined) return;
    try {
      this.#take(openRoster(kept.bytes, kept.mesh));
      this.#invitations = await files.readInvitations();
    } catch (thrown) {
      if (!(thrown instanceof MembershipError)) throw thrown;
      host.log.error("The kept roster is damaged: join again", { why: thrown.message });
    }
  }

  /** What the node is in its mesh. */
  get state(): MembershipState {
    return this.#state;
  }

  /** The roster that holds; undefined when the node is in no mesh. */
  get signed(): SignedRoster | undefined {
    return this.#signed;
  }

  /** The mesh's id. */
  get mesh(): PeerKey | undefined {
    return this.#signed?.roster.mesh;
  }

  /** All members' keys, this node's included. */
  get keys(): ReadonlySet<PeerKey> {
    return this.#keys;
  }

  /** Whether a key is a member's. */
  has(key: PeerKey): boolean {
    return this.#trusts.has(key);
  }

  /** Whether a key was a member's, and is not any more. */
  wasRemoved(key: PeerKey): boolean {
    return this.#removed.has(key);
  }

  /** How far a member is trusted. */
  trustOf(key: PeerKey): Trust | undefined {
    return this.#trusts.get(key);
  }

  /** Whether a node may come with a ticket: anybody while one is open; then all but the removed. */
  mayJoin(key: PeerKey): boolean {
    if (this.state !== "issuer" || this.#invitations.length === 0) return false;
    const nowMs = this.#nowMs();
    return openInvitationCount(this.#invitations, nowMs) > 0 ||
      (!this.wasRemoved(key) && hasLateInvitation(this.#invitations, nowMs));
  }

  /** Tickets that can still be used. */
  get openInvitations(): number {
    return openInvitationCount(this.#invitations, this.#nowMs());
  }

  /** Makes a mesh with this node alone, unless it is in one. */
  found(): Promise<RosterStep | undefined> {
    return this.#inTurn(async () => {
      if (this.#signed !== undefined) return undefined;
      const { key } = this.#parts.identity;
      return await this.#put(await this.#sign(foundRoster(key, this.#nowMs())));
    });
  }

  /** Changes the roster as its issuer. @throws {RangeError} see `changeRoster` */
  change(change: RosterChange): Promise<RosterStep> {
    return this.#inTurn(() => this.#change(change));
  }

  /** Keeps an invitation for a secret. */
  invite(
    made: { readonly secret: Uint8Array; readonly trust: Trust; readonly expiresAtMs: number },
  ): Promise<void> {
    return this.#inTurn(async () => {
      const nowMs = this.#nowMs();
      const invitations = addInvitation(this.#invitations, { ...made, nowMs });
      await this.#parts.files.writeInvitations(invitations);
      this.#invitations = invitations;
    });
  }

  /**
   * Lets the owner of a ticket in. The ticket is used up, on disk, before the roster changes.
   *
   * @throws {MembershipError} when the ticket does not hold, or the asker has been removed
   */
  redeem(secret: Uint8Array, by: PeerKey): Promise<RosterStep> {
    return this.#inTurn(async () => {
      if (this.state !== "issuer" || this.#signed === undefined) {
        throw new MembershipError({
          code: "invitation-unknown",
          message: "Cannot let a node in as this one issues no roster",
        });
      }
      const asked = { secret, by, nowMs: this.#nowMs() };
      const { invitations, trust, isAgain } = redeemInvitation(this.#invitations, asked);
      if (isAgain && this.wasRemoved(by)) {
        throw new MembershipError({
          code: "evicted",
          message: "Cannot use the ticket as it has been used, and its user was removed since",
        });
      }
      await this.#parts.files.writeInvitations(invitations);
      this.#invitations = invitations;
      if (this.has(by)) return { signed: this.#signed, added: [], removed: [] };
      return await this.#change({ kind: "put", key: by, trust });
    });
  }

  /**
   * Takes a roster that came from a peer.
   *
   * @returns what changed; undefined when it is not newer
   * @throws {MembershipError} when it does not verify
   */
  accept(bytes: Uint8Array): Promise<RosterStep | undefined> {
    return this.#inTurn(async () => {
      const known = this.#signed;
      // The one that holds comes from every neighbour; it needs no second look.
      if (known === undefined || isSame(known.bytes, bytes)) return undefined;
      const other = openRoster(bytes, known.roster.mesh);
      return newerRoster(known, other) === known ? undefined : await this.#put(other);
    });
  }

  /** Enters a mesh. @throws {MembershipError} when the roster does not verify or lacks this node */
  enter(bytes: Uint8Array, mesh: PeerKey): Promise<RosterStep> {
    return this.#inTurn(async () => {
      const signed = openRoster(bytes, mesh);
      if (!signed.roster.members.some(({ key }) => key === this.#parts.identity.key)) {
        throw new MembershipError({
          code: "stranger",
          message: "Cannot join as the mesh's roster does not name this node",
        });
      }
      await this.#parts.files.forgetMesh();
      this.#invitations = [];
      return await this.#put(signed);
    });
  }

  /** Forgets the mesh. */
  leave(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#parts.files.forgetMesh();
      this.#invitations = [];
      this.#take(undefined);
    });
  }

  async #change(change: RosterChange): Promise<RosterStep> {
    if (this.#signed === undefined || this.state !== "issuer") {
      throw new RangeError(
        "Cannot change the roster as this node does not issue it: ask the node that does",
      );
    }
    const { roster } = this.#signed;
    return await this.#put(
      await this.#sign(changeRoster(roster, { ...change, issuedAtMs: this.#nowMs() })),
    );
  }

  async #put(signed: SignedRoster): Promise<RosterStep> {
    const before = this.keys;
    await this.#parts.files.writeRoster(bytesOfKey(signed.roster.mesh), signed.bytes);
    this.#take(signed);
    const added = [...this.#trusts.keys()].filter((key) => !before.has(key));
    const removed = [...before].filter((key) => !this.has(key));
    return { signed, added, removed };
  }

  #take(signed: SignedRoster | undefined): void {
    this.#signed = signed;
    this.#trusts = new Map(signed?.roster.members.map(({ key, trust }) => [key, trust]));
    this.#keys = new Set(this.#trusts.keys());
    this.#removed = new Set(signed?.roster.removed);
    this.#state = this.#stateOf(signed);
  }

  #stateOf(signed: SignedRoster | undefined): MembershipState {
    const { key } = this.#parts.identity;
    if (signed === undefined) return "none";
    if (!this.#trusts.has(key)) return "removed";
    return signed.roster.mesh === key ? "issuer" : "member";
  }

  #sign(roster: Parameters<typeof signRoster>[0]): Promise<SignedRoster> {
    return signRoster(roster, (purpose, bytes) => this.#parts.identity.sign(purpose, bytes));
  }

  #nowMs(): number {
    return this.#parts.host.clock.nowMs();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#changing.then(work);
    this.#changing = done.catch(() => {});
    return done;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, i) => byte === other[i]);
}
