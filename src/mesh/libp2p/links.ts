/**
 * The links of a node: several may lead to one peer, which is connected while one of them lives.
 *
 * A link counts from the first probe or stream of the other side, which shows that both have let it
 * come about; what is cut off before that was refused and never seen.
 */
import type { Connection } from "@libp2p/interface";
import type { Clock, MeshEvent, MeshPeer, MeshTransport, PeerKey, Timer } from "../../ports/mod.ts";
import { transportOf } from "./addresses.ts";
import { PROBE_INTERVAL_MS } from "./limits.ts";
import { Patience } from "./patience.ts";
import { keyOfPeerId } from "./peer_keys.ts";
import { Prober } from "./prober.ts";

/**
 * How many times as long iroh's round trip TCP's may be and still be preferred, as its throughput is
 * some twenty times higher.
 */
const TCP_PREFERENCE = 2;

/** Round trips closer than this are alike, in milliseconds. */
const ALIKE_MS = 1;

/** One connection with a peer. */
export interface Link {
  readonly key: PeerKey;
  readonly connection: Connection;
  readonly transport: MeshTransport;
  readonly prober: Prober;
  /** Whether the other side has been heard. */
  readonly isProven: () => boolean;
  /** Resolves true when it is proven, false when it closed before. */
  readonly proven: Promise<boolean>;
}

/** Whom the table tells, and what it measures with. */
export interface LinksOptions {
  readonly self: PeerKey;
  readonly clock: Clock;
  readonly onEvent: (event: MeshEvent) => void;
  /** A link of a peer closed that still has others. */
  readonly onLinkLost: (key: PeerKey) => void;
  /** Each `PROBE_INTERVAL_MS`. */
  readonly onTick: () => void;
  readonly onDead: (link: Link, why: string) => void;
}

interface Entry extends Link {
  markProven(isProven: boolean): void;
}

/** All links. */
export class Links {
  readonly #options: LinksOptions;
  readonly #byConnection = new Map<Connection, Entry>();
  readonly #byKey = new Map<PeerKey, Entry[]>();
  readonly #patience: Patience;
  #timer: Timer | undefined;

  /** @param options whom to tell; probing goes on until `close` */
  constructor(options: LinksOptions) {
    this.#options = options;
    this.#patience = new Patience(options.clock);
    this.#tickLater();
  }

  /** Takes in a new connection, and begins to probe it. */
  add(connection: Connection): void {
    const key = keyOfPeerId(connection.remotePeer);
    if (key === undefined) return abortConnection(connection, "the key is not Ed25519");
    if (connection.status !== "open" || this.#byConnection.has(connection)) return;
    const entry = this.#entryOf(connection, key);
    this.#byConnection.set(connection, entry);
    this.#byKey.set(key, [...this.#byKey.get(key) ?? [], entry]);
  }

  /** Forgets a connection that closed. */
  remove(connection: Connection): void {
    const entry = this.#byConnection.get(connection);
    if (entry === undefined) return;
    entry.prober.end();
    this.#byConnection.delete(connection);
    const others = (this.#byKey.get(entry.key) ?? []).filter((other) => other !== entry);
    if (others.length === 0) this.#byKey.delete(entry.key);
    else this.#byKey.set(entry.key, others);
    const wasProven = entry.isProven();
    entry.markProven(false);
    if (!wasProven) return;
    if (!others.some((other) => other.isProven())) {
      this.#options.onEvent({ kind: "closed", key: entry.key });
    } else this.#options.onLinkLost(entry.key);
  }

  /** The link of a connection; undefined when it is gone. */
  of(connection: Connection): Link | undefined {
    return this.#byConnection.get(connection);
  }

  /** How many connections there are with a peer, proven or not. */
  countOf(key: PeerKey): number {
    return this.#byKey.get(key)?.length ?? 0;
  }

  /** The connections with a peer, the fastest first. */
  connectionsOf(key: PeerKey): readonly Connection[] {
    const best = this.bestOf(key)?.connection;
    const all = (this.#byKey.get(key) ?? []).map(({ connection }) => connection);
    return best === undefined ? all : [best, ...all.filter((connection) => connection !== best)];
  }

  /** Ends all links to a peer, at once. */
  cut(key: PeerKey, why: string): void {
    for (const { prober, connection } of this.#byKey.get(key) ?? []) {
      prober.end();
      abortConnection(connection, why);
    }
  }

  /** The fastest live link to a peer. */
  bestOf(key: PeerKey): Link | undefined {
    let best: Link | undefined;
    for (const link of this.#byKey.get(key) ?? []) {
      if (!link.isProven()) continue;
      if (best === undefined || isFaster(link, best)) best = link;
    }
    return best;
  }

  /** Whether a live link over this transport leads to a peer. */
  has(key: PeerKey, transport: MeshTransport): boolean {
    return (this.#byKey.get(key) ?? []).some((link) =>
      link.transport === transport && link.isProven()
    );
  }

  /** Keys of all that have a live link. */
  keys(): readonly PeerKey[] {
    return [...this.#byKey.keys()].filter((key) => this.bestOf(key) !== undefined);
  }

  /** Peers with a live link. */
  peers(): readonly MeshPeer[] {
    return [...this.#byKey.keys()].flatMap((key) => {
      const link = this.bestOf(key);
      return link === undefined ? [] : [peerOf(link)];
    });
  }

  /** Stops probing. */
  close(): void {
    this.#timer?.cancel();
    for (const { prober } of this.#byConnection.values()) prober.end();
  }

  #entryOf(connection: Connection, key: PeerKey): Entry {
    let isProven = false;
    let settle: (isProven: boolean) => void = () => {};
    const proven = new Promise<boolean>((resolve) => settle = resolve);
    const prober = new Prober({
      connection,
      clock: this.#options.clock,
      onProven: () => {
        this.#patience.heard(key);
        const isFirst = this.bestOf(key) === undefined;
        isProven = true;
        settle(true);
        if (isFirst) this.#options.onEvent({ kind: "connected", peer: peerOf(entry) });
        this.#keepOne(key);
      },
      silenceMs: () => this.#patience.silenceMsOf(key),
      onSilent: () => this.#patience.silent(key),
      onDead: (why) => {
        if (connection.status !== "open") return;
        this.#options.onDead(entry, why);
        abortConnection(connection, why);
      },
    });
    const entry: Entry = {
      key,
      connection,
      transport: transportOf(connection.remoteAddr),
      prober,
      proven,
      isProven: () => isProven,
      markProven: settle,
    };
    return entry;
  }

  /**
   * Two nodes that dial each other at once have two links by TCP: both keep the one that the smaller
   * key has dialled, if it is alive for sure.
   */
  #keepOne(key: PeerKey): void {
    const isOfSmaller = ({ connection: { direction } }: Link): boolean =>
      (direction === "outbound") === (this.#options.self < key);
    const links = (this.#byKey.get(key) ?? []).filter((link) =>
      link.transport === "tcp" && link.isProven()
    );
    if (!links.some((link) => isOfSmaller(link) && link.prober.isFresh)) return;
    for (const link of links) {
      if (isOfSmaller(link)) continue;
      link.prober.end();
      abortConnection(link.connection, "the other one of two that were dialled at once is kept");
    }
  }

  #tickLater(): void {
    this.#timer = this.#options.clock.after(PROBE_INTERVAL_MS, () => {
      for (const { prober } of [...this.#byConnection.values()]) prober.tick();
      this.#options.onTick();
      this.#tickLater();
    });
  }
}

/** Whether `link` should carry new streams rather than `other`. */
function isFaster(link: Link, other: Link): boolean {
  return cost(link) + ALIKE_MS / 4 < cost(other);
}

/** Comparable milliseconds; before it was measured, TCP is believed to be fast and iroh not. */
function cost({ transport, prober: { shortestMs } }: Link): number {
  if (transport === "iroh") return TCP_PREFERENCE * (shortestMs ?? 1000) + ALIKE_MS;
  return shortestMs ?? ALIKE_MS;
}

function peerOf({ key, transport, connection, prober }: Link): MeshPeer {
  return {
    key,
    transport,
    address: connection.remoteAddr.toString(),
    direction: connection.direction,
    roundTripMs: prober.roundTripMs,
  };
}

/** Ends a connection at once. libp2p throws when it tries to say goodbye on one that just broke. */
function abortConnection(connection: Connection, why: string): void {
  try {
    connection.abort(new Error(`Cannot keep the link as ${why}`));
  } catch {
    // It is gone, which is what was wanted.
  }
}
