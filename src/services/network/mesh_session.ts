/**
 * The node while it listens in a mesh: it greets whoever comes, keeps the links that it wants, knows
 * who is there, and says what it has. One timer drives all of it.
 */
import type { Card } from "../../mesh/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { MeshEvent, MeshListening, MeshStream, PeerKey } from "../../ports/mod.ts";
import { Announcer, capabilitiesTopic } from "./announcer.ts";
import { Beat } from "./beat.ts";
import { cardOfGossip } from "./card_box.ts";
import type { NetworkConfig } from "./config.ts";
import type { NetworkEvent } from "./contract.ts";
import { Dialler } from "./dialler.ts";
import type { Gate } from "./gate.ts";
import { Greeter } from "./greeter.ts";
import { listenInMesh } from "./listening.ts";
import type { LogWatch } from "./log_watch.ts";
import type { Membership } from "./membership.ts";
import type { MeshFiles } from "./mesh_files.ts";
import { saidInHello } from "./own_card.ts";
import type { OwnCard } from "./own_card.ts";
import type { PeerBook } from "./peer_book.ts";
import type { Refusals } from "./refusals.ts";
import { Registry } from "./registry.ts";
import type { RegistryLink } from "./registry_link.ts";
import { Strangers } from "./strangers.ts";

/** How long the links of a removed member stay, for it to read that; how often addresses are saved. */
const farewellMs = 50;
const saveMs = 60_000;
const nobody: ReadonlySet<PeerKey> = new Set();

/** What a session is made of. */
export interface MeshSessionParts {
  readonly host: Host;
  readonly config: NetworkConfig;
  readonly files: MeshFiles;
  readonly membership: Membership;
  readonly gate: Gate;
  readonly peerBook: PeerBook;
  readonly refusals: Refusals;
  readonly ownCard: OwnCard;
  readonly logs: LogWatch;
  /** Versions of the conversation; for tests of an upgrade. */
  readonly versions?: readonly number[] | undefined;
  readonly onChange: (key?: PeerKey) => void;
  readonly onRoster: (bytes: Uint8Array, from: PeerKey) => void;
  readonly tell: (event: Omit<NetworkEvent, "atMs">) => void;
}

/** A node between its listening and its end. */
export class MeshSession {
  readonly registry: Registry;
  readonly #parts: MeshSessionParts;
  readonly #host: Host;
  readonly #greeter: Greeter;
  readonly #dialler: Dialler;
  readonly #announcer: Announcer;
  readonly #ending = new AbortController();
  readonly #connected = new Set<PeerKey>();
  readonly #strangers: Strangers;
  #listening: MeshListening = { addresses: [], missing: [] };
  readonly #beat: Beat;
  #savedMs = 0;

  /** @param parts kept for the session's life; `start` comes next */
  constructor(parts: MeshSessionParts) {
    this.#parts = parts;
    this.#host = parts.host;
    this.#strangers = new Strangers(parts.host);
    this.registry = this.#makeRegistry();
    this.#greeter = this.#makeGreeter();
    this.#dialler = this.#makeDialler();
    this.#announcer = this.#makeAnnouncer();
    this.#beat = new Beat({
      clock: parts.host.clock,
      halfMs: parts.config.probeMs / 2,
      isQuiet: () => this.registry.isQuiet && this.#greeter.isQuiet && this.#dialler.isQuiet,
      onBeat: (halves) => this.#tick(halves),
    });
  }

  /** Where this node can be dialled, and what could not be had. */
  get listening(): MeshListening {
    return this.#listening;
  }

  /** Opens ports and begins to dial. @throws {MeshError} "no-transport" */
  async start(meshId: PeerKey): Promise<void> {
    const { config, files, gate, tell, membership } = this.#parts;
    const { mesh, log, clock } = this.#host;
    const { signal } = this.#ending;
    void this.#follow(mesh.events(signal));
    this.#listening = await listenInMesh({ network: mesh, config, files, gate, meshId });
    const { addresses, missing } = this.#listening;
    for (const why of missing) log.warn("A transport of the mesh is missing", { why });
    log.info("Listening in the mesh", { addresses });
    tell({ kind: "listening", detail: addresses.join(" ") });
    this.registry.setMembers(membership.keys);
    this.#savedMs = clock.monotonicMs();
    void this.#followGossip(mesh.subscribe(capabilitiesTopic, signal));
    void this.#parts.logs.follow(signal);
    this.#beat.start();
    this.#dialler.tick(signal);
  }

  /** Takes leave and closes everything. */
  async end(): Promise<void> {
    this.#ending.abort();
    this.#beat.end();
    await this.registry.leave();
    await this.#save();
    await this.#host.mesh.close();
    this.#parts.gate.clear();
  }

  /** A peer has opened a stream to say hello. */
  greet(stream: MeshStream): void {
    this.#greeter.greet(stream).catch((error) =>
      this.#host.log.error("The conversation with a peer failed", { error })
    );
  }

  /** The roster has changed: welcomes and puts out. */
  rosterChanged(removed: readonly PeerKey[]): void {
    const { membership } = this.#parts;
    for (const key of removed) this.#putOut(key);
    this.registry.setMembers(membership.keys);
    for (const key of this.#connected) {
      if (removed.includes(key)) continue;
      this.#host.mesh.gateChanged(key);
      this.#welcome(key);
    }
    this.#dialler.tick(this.#ending.signal);
    this.#beat.hurry();
  }

  /** Wants a link to a member, and dials it now. */
  want(key: PeerKey): void {
    this.#dialler.ask(key);
    this.#dialler.tick(this.#ending.signal);
    this.#beat.hurry();
  }

  /** What this node says of itself has changed. */
  announceSoon(): void {
    if (!this.#ending.signal.aborted) this.#announcer.soon();
  }

  #card(): Card {
    const { incarnation } = this.registry;
    return this.#parts.ownCard.card({ incarnation, addresses: this.#listening.addresses });
  }

  /** From now on it gets nothing more; the roster that says so is on its way to it. */
  #putOut(key: PeerKey): void {
    this.#parts.gate.setVerified(key, false);
    this.registry.release(key);
    this.#dialler.succeeded(key);
    this.#parts.tell({ kind: "removed", key });
    this.#host.clock.after(farewellMs, () => void this.#host.mesh.disconnect(key));
  }

  async #follow(events: AsyncIterable<MeshEvent>): Promise<void> {
    for await (const event of events) {
      if (event.kind === "connected") {
        this.#connected.add(event.peer.key);
        this.#welcome(event.peer.key);
      } else this.#onClosed(event.key);
    }
  }

  #welcome(key: PeerKey): void {
    if (this.#parts.gate.isMember(key)) {
      this.#strangers.delete(key);
      this.#greeter.connected(key);
      this.#beat.hurry();
    } else this.#strangers.add(key);
  }

  #onClosed(key: PeerKey): void {
    this.#connected.delete(key);
    this.#strangers.delete(key);
    this.#parts.gate.setVerified(key, false);
    this.#greeter.closed(key);
    this.registry.remove(key);
    this.#dialler.lost(key);
    this.#beat.hurry();
  }

  async #serve(link: RegistryLink, frames: AsyncIterator<Uint8Array>): Promise<void> {
    const { key, hello } = link;
    const { membership, peerBook, tell } = this.#parts;
    this.#dialler.succeeded(key);
    peerBook.remember(key, hello.addresses);
    if (!this.registry.add(link)) return link.stream.reset();
    tell({ kind: "linked", key });
    this.#parts.logs.said(key, { head: hello.capabilities.logHead, isHello: true });
    // What was said since the hello was sent went to the links of then.
    link.send({ kind: "cards", cards: [this.#card()] });
    const { signed } = membership;
    if (signed !== undefined && signed.roster.version > hello.rosterVersion) {
      link.send({ kind: "roster", bytes: signed.bytes });
    }
    try {
      await this.registry.serve(link, frames);
    } finally {
      if (this.registry.linkOf(key) === link) tell({ kind: "closed", key });
      this.registry.remove(key, link);
    }
  }

  async #followGossip(messages: ReturnType<Host["mesh"]["subscribe"]>): Promise<void> {
    for await (const { bytes, from } of messages) {
      try {
        this.registry.takeCard(cardOfGossip(bytes, from));
      } catch (thrown) {
        if (this.#parts.refusals.take(thrown, from) === undefined) throw thrown;
      }
    }
  }

  #tick(halves: number): void {
    this.registry.tick(halves);
    this.#greeter.tick();
    this.#dialler.tick(this.#ending.signal);
    this.#strangers.dismiss();
    this.#announcer.tick();
    this.#parts.logs.tick();
    if (this.#host.clock.monotonicMs() - this.#savedMs >= saveMs) void this.#save();
  }

  async #save(): Promise<void> {
    this.#savedMs = this.#host.clock.monotonicMs();
    try {
      const { peerBook, membership, logs } = this.#parts;
      await peerBook.save(membership.keys);
      await logs.save();
    } catch (thrown) {
      this.#host.log.warn("What is known of peers was not written down", { why: String(thrown) });
    }
  }

  #makeRegistry(): Registry {
    const { host, config, onChange, onRoster, tell } = this.#parts;
    return new Registry({
      self: host.identity.key,
      clock: host.clock,
      random: host.random,
      incarnation: host.clock.nowMs(),
      probeMs: config.probeMs,
      ownCard: () => this.#card(),
      onChange,
      onState: (key, state) => {
        tell({ kind: state, key });
        if (state === "suspect") this.#beat.hurry();
      },
      onDead: (key, why) => {
        host.log.debug("A link is given up", { peer: key, why });
        void host.mesh.disconnect(key);
      },
      onRoster,
    });
  }

  #makeAnnouncer(): Announcer {
    const { host, config, membership } = this.#parts;
    return new Announcer({
      clock: host.clock,
      mesh: host.mesh,
      card: () => this.#card(),
      tellLinked: () => this.registry.announce(),
      membersPerLink: () => membership.keys.size / config.linksMax,
      onFailed: (why) => host.log.debug("Gossip failed", { why: String(why) }),
    });
  }

  #makeGreeter(): Greeter {
    const { host, gate, refusals, versions, membership, logs, tell } = this.#parts;
    return new Greeter({
      self: host.identity.key,
      mesh: host.mesh,
      clock: host.clock,
      random: host.random,
      ...{ gate, refusals, versions },
      meshId: () => membership.mesh,
      say: async () => {
        const roster = membership.signed?.roster;
        return saidInHello(this.#card(), { roster, logHead: await logs.ownHead() });
      },
      sign: (purpose, bytes) => host.identity.sign(purpose, bytes),
      linkOf: (key) => this.registry.linkOf(key),
      answers: (key, timeoutMs) => this.registry.answers(key, timeoutMs),
      serve: (link, frames) => this.#serve(link, frames),
      onRefused: (key, error) => {
        host.log.warn("A peer refuses this node", { peer: key, why: error.message });
        tell({ kind: "refused", key, detail: `${error.code}: ${error.message}` });
        this.#dialler.refused(key);
      },
    });
  }

  #makeDialler(): Dialler {
    const { host, config, membership, peerBook } = this.#parts;
    return new Dialler({
      self: host.identity.key,
      mesh: host.mesh,
      clock: host.clock,
      random: host.random,
      linksMax: config.linksMax,
      members: () => membership.state === "removed" ? nobody : membership.keys,
      isAlive: (key) => this.registry.stateOf(key)?.state === "alive",
      isConnected: (key) => this.#connected.has(key),
      addressesOf: (key) => peerBook.addressesOf(key, this.registry.cardOf(key)?.addresses ?? []),
      onUnreachable: (key) => this.registry.doubt(key),
      onFailed: (key, error) =>
        host.log.debug("A peer was not reached", { peer: key, why: error.message }),
    });
  }
}
