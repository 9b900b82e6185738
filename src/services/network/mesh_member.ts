/**
 * The node as a member: which mesh it is in, how it gets in and out of one, and its session while it
 * listens.
 */
import { helloProtocol, joinProtocol, logProtocol, ticketAddressesMax } from "../../mesh/mod.ts";
import type { PeerRow, Ticket } from "../../mesh/mod.ts";
import { share } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { MeshListening, PeerKey } from "../../ports/mod.ts";
import type { CapabilityBook } from "./capability_book.ts";
import type { NetworkConfig } from "./config.ts";
import { eventsTopic } from "./contract.ts";
import type { NetworkEvent } from "./contract.ts";
import { Gate } from "./gate.ts";
import { answerJoin, askToJoin } from "./joining.ts";
import { randomHex } from "./keys.ts";
import { LogWatch } from "./log_watch.ts";
import { Membership } from "./membership.ts";
import type { RosterStep } from "./membership.ts";
import { MeshFiles } from "./mesh_files.ts";
import { MeshSession } from "./mesh_session.ts";
import { OwnCard } from "./own_card.ts";
import { PeerBook } from "./peer_book.ts";
import { Refusals } from "./refusals.ts";

/** What a member is made of. */
export interface MeshMemberParts {
  readonly host: Host;
  readonly config: NetworkConfig;
  readonly book: CapabilityBook;
  /** Rows beside those of peers.json. */
  readonly rows?: readonly PeerRow[] | undefined;
  /** Versions of the conversation; for tests of an upgrade. */
  readonly versions?: readonly number[] | undefined;
  /** Something about a peer, or any of them, has changed. */
  readonly onChange: (key?: PeerKey) => void;
}

/** A node's part in its mesh. */
export class MeshMember {
  readonly membership: Membership;
  readonly peerBook: PeerBook;
  readonly refusals: Refusals;
  readonly logs: LogWatch;
  readonly #parts: MeshMemberParts;
  readonly #host: Host;
  readonly #files: MeshFiles;
  readonly #gate: Gate;
  readonly #ownCard: OwnCard;
  #session: MeshSession | undefined;

  /** @param parts kept for the member's life; `start` comes next */
  constructor(parts: MeshMemberParts) {
    const { host } = parts;
    this.#parts = parts;
    this.#host = host;
    this.#files = new MeshFiles(host);
    this.#ownCard = new OwnCard(host, parts.book);
    this.peerBook = new PeerBook(this.#files);
    this.refusals = new Refusals(host, (event) => this.tell(event));
    this.membership = new Membership({ files: this.#files, identity: host.identity, host });
    const { membership, refusals } = this;
    this.logs = new LogWatch({
      ...{ host, refusals, files: this.#files },
      members: () => membership.keys,
      isLinked: (key) => this.#session?.registry.linkOf(key) !== undefined,
      tell: (event) => this.tell(event),
    });
    this.#gate = new Gate({ self: host.identity.key, membership, refusals });
  }

  /** The session while the node listens. */
  get session(): MeshSession | undefined {
    return this.#session;
  }

  /** Where the node listens. */
  get listening(): MeshListening {
    return this.#session?.listening ?? { addresses: [], missing: [] };
  }

  /** Reads what is on disk, and listens when the node is in a mesh; dialling goes on behind it. */
  async start(): Promise<void> {
    await this.membership.load();
    await this.peerBook.load(this.#parts.rows);
    await this.logs.load();
    const { mesh, clock, log } = this.#host;
    const ends = [
      mesh.handle(helloProtocol, (stream) => {
        if (this.#session === undefined) stream.reset();
        else this.#session.greet(stream);
      }, { streamsPerPeerMax: 4 }),
      mesh.handle(joinProtocol, (stream) => {
        const redeem = (secret: Uint8Array, by: PeerKey): Promise<Uint8Array> =>
          this.#letIn(secret, by);
        answerJoin(stream, { clock, redeem }).then((refusal) => {
          if (refusal !== undefined) this.refusals.take(refusal, stream.peer);
        }, (why) => log.debug("An asker went away", { why: String(why) }));
      }, { streamsPerPeerMax: 2 }),
      mesh.handle(logProtocol, (stream) => void this.logs.serve(stream), { streamsPerPeerMax: 2 }),
    ];
    this.#host.signal.addEventListener("abort", () => ends.forEach((end) => end()), {
      once: true,
    });
    const { state } = this.membership;
    if (state !== "issuer" && state !== "member") return;
    try {
      await this.open();
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      log.error("The mesh can't be reached", { why: thrown.message });
    }
  }

  /** Takes leave and stops listening. */
  async stop(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.end();
  }

  /** Opens ports, unless they are open. @throws {MeshError} "no-transport" */
  async open(meshId: PeerKey | undefined = this.membership.mesh): Promise<void> {
    if (this.#session !== undefined || meshId === undefined) return;
    const { host, config, versions, onChange } = this.#parts;
    const { membership, peerBook, refusals } = this;
    const session = new MeshSession({
      ...{ host, config, versions, onChange, membership, peerBook, refusals },
      files: this.#files,
      gate: this.#gate,
      ownCard: this.#ownCard,
      logs: this.logs,
      onRoster: (bytes, from) => void this.#onRoster(bytes, from),
      tell: (event) => this.tell(event),
    });
    this.#session = session;
    try {
      await session.start(meshId);
    } catch (thrown) {
      await this.stop();
      throw thrown;
    }
  }

  /**
   * Joins the mesh of a ticket. When it fails, the node is where it was before.
   *
   * @throws {MembershipError} the issuer's refusal
   * @throws {MeshError} when the issuer can't be reached
   */
  async join(ticket: Ticket): Promise<void> {
    await this.stop();
    this.#gate.setJoining(ticket.issuer);
    try {
      await this.open(ticket.issuer);
      const { mesh, clock, signal } = this.#host;
      const bytes = await askToJoin(ticket, { mesh, clock, signal });
      const step = await this.membership.enter(bytes, ticket.issuer);
      this.peerBook.remember(ticket.issuer, ticket.addresses);
      this.#gate.setJoining(undefined);
      await this.#journal("mesh.joined", { mesh: ticket.issuer });
      this.tell({ kind: "joined", key: this.#host.identity.key });
      this.takeStep(step);
    } catch (thrown) {
      this.#gate.setJoining(undefined);
      await this.stop();
      if (this.membership.state !== "removed") await this.open();
      throw thrown;
    }
  }

  /** Forgets the mesh and stops listening. */
  async leave(): Promise<void> {
    await this.stop();
    await this.membership.leave();
    await this.#journal("mesh.left", {});
    this.#parts.onChange();
  }

  /** Acts on a new roster: links of those who are out are closed at once, the others are told. */
  takeStep({ signed, added, removed }: RosterStep, from?: PeerKey): void {
    const { key: self } = this.#host.identity;
    const session = this.#session;
    session?.registry.sendAll(
      { kind: "roster", bytes: signed.bytes },
      ({ key }) => key === from,
    );
    this.tell({ kind: "roster", detail: `version ${signed.roster.version}` });
    for (const key of added) if (key !== self) this.tell({ kind: "joined", key });
    if (this.membership.state === "removed") {
      this.#host.log.warn("This node was removed from the mesh", { mesh: signed.roster.mesh });
      this.tell({ kind: "removed", key: self });
      void this.stop().then(() => this.#parts.onChange());
      return;
    }
    session?.rosterChanged(removed.filter((key) => key !== self));
  }

  /** Makes a change of the roster known, after it was made here. */
  async change(change: Parameters<Membership["change"]>[0]): Promise<RosterStep> {
    const step = await this.membership.change(change);
    const { kind, key } = change;
    const trust = change.kind === "put" ? { trust: change.trust } : {};
    await this.#journal(kind === "put" ? "mesh.member-put" : "mesh.member-removed", {
      key,
      ...trust,
    });
    this.takeStep(step);
    return step;
  }

  /** What this node says of itself has changed. */
  announceSoon(): void {
    this.#ownCard.renew();
    this.#session?.announceSoon();
  }

  /** Addresses for a ticket: the plain ones, those of this machine alone last. */
  ticketAddresses(): string[] {
    const plain = this.listening.addresses.map((address) => address.replace(/\/p2p\/[^/]+$/, ""));
    const isLocal = (address: string): boolean => /^\/ip4\/127\.|^\/ip6\/::1\//.test(address);
    return [...plain.filter((one) => !isLocal(one)), ...plain.filter(isLocal)]
      .slice(0, ticketAddressesMax);
  }

  /** Tells the bus that something happened. */
  tell(event: Omit<NetworkEvent, "atMs">): void {
    const alias = event.key === undefined ? undefined : this.peerBook.aliasOf(event.key);
    const named = alias === undefined ? event : { ...event, alias };
    const full: NetworkEvent = { atMs: this.#host.clock.nowMs(), ...named };
    this.#host.bus.publish(eventsTopic, share(full));
  }

  async #letIn(secret: Uint8Array, by: PeerKey): Promise<Uint8Array> {
    const step = await this.membership.redeem(secret, by);
    if (step.added.length > 0) {
      const trust = this.membership.trustOf(by) ?? "member";
      await this.#journal("mesh.member-put", { key: by, trust });
      this.takeStep(step);
    }
    return step.signed.bytes;
  }

  async #onRoster(bytes: Uint8Array, from: PeerKey): Promise<void> {
    try {
      const step = await this.membership.accept(bytes);
      if (step !== undefined) this.takeStep(step, from);
    } catch (thrown) {
      if (this.refusals.take(thrown, from) !== undefined) {
        return await this.#host.mesh.disconnect(from);
      }
      this.#host.log.error("A roster was not taken", { error: thrown });
    }
  }

  async #journal(chi: string, body: Record<string, string>): Promise<void> {
    try {
      await this.#host.journal.append({ chi, rid: randomHex(this.#host.random, 8), body });
    } catch (thrown) {
      this.#host.log.error("A change of the mesh was not journalled", { chi, error: thrown });
    }
  }
}
