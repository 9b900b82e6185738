/**
 * A libp2p transport over iroh: QUIC between keys, which are the peer ids' own.
 *
 * Relays and discovery are off: it reaches the addresses that it is given, and nobody else, save for one
 * thing that the binding can't turn off: when it starts it asks the router of the local network, by UPnP
 * and its like, to open a port. A handshake is bound to the mesh by its ALPN. The gate is asked by
 * libp2p's upgrader, as for TCP.
 */
import { createHash } from "node:crypto";
import { publicKeyFromRaw } from "@libp2p/crypto/keys";
import type {
  ComponentLogger,
  Connection,
  CreateListenerOptions,
  Listener,
  ListenerEvents,
  PeerId,
  PrivateKey,
  Transport,
  Upgrader,
} from "@libp2p/interface";
import { serviceCapabilities, transportSymbol, TypedEventEmitter } from "@libp2p/interface";
import { peerIdFromPublicKey, peerIdFromString } from "@libp2p/peer-id";
import { getThinWaistAddresses } from "@libp2p/utils";
import type { Multiaddr } from "@multiformats/multiaddr";
import { multiaddr } from "@multiformats/multiaddr";
import type { Clock } from "../../ports/mod.ts";
import { isIrohAddress } from "./addresses.ts";
import { IrohConnection, irohMuxer } from "./iroh_muxer.ts";
import type {
  NativeConnection,
  NativeEndpoint,
  NativeIncoming,
  NativeIroh,
} from "./iroh_native.ts";
import { HANDSHAKES_MAX, IROH_CLOSE_MS, STREAMS_PER_LINK_MAX } from "./limits.ts";
import type { TransportFactory } from "./node.ts";

/** Close codes of a link: done, and not let in. */
const CODE_REFUSED = 1n;

/** Hexadecimal digits of the mesh's digest in the ALPN, which anyone on the way may read. */
const ALPN_DIGITS = 32;

/** What the transport is made of. */
export interface IrohOptions {
  readonly clock: Clock;
  readonly iroh: NativeIroh;
  /** Bytes that both sides must share, as Noise's prologue has them. */
  readonly prologue: Uint8Array;
  /** "IP:PORT" for each family; an IPv6 address in brackets. A port that is taken gives way to a free one. */
  readonly bind: readonly string[];
}

interface Components {
  readonly privateKey: PrivateKey;
  readonly logger: ComponentLogger;
}

/** The transport's factory, for `createLibp2p`. */
export function irohTransport(options: IrohOptions): TransportFactory {
  return (components) => new IrohTransport(components, options);
}

class IrohTransport implements Transport {
  readonly [transportSymbol] = true;
  readonly [Symbol.toStringTag] = "iroh";
  readonly [serviceCapabilities] = ["@libp2p/transport"];
  readonly #components: Components;
  readonly #options: IrohOptions;
  readonly #alpn: readonly number[];
  #endpoint: Promise<NativeEndpoint> | undefined;

  constructor(components: Components, options: IrohOptions) {
    this.#components = components;
    this.#options = options;
    const mesh = createHash("sha256").update(options.prologue).digest("hex").slice(0, ALPN_DIGITS);
    this.#alpn = [...new TextEncoder().encode(`skep/1/${mesh}`)];
  }

  listenFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(isIrohAddress);
  }

  dialFilter(addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter((address) => isIrohAddress(address) && peerOf(address) !== undefined);
  }

  createListener({ upgrader }: CreateListenerOptions): Listener {
    return new IrohListener({
      upgrader,
      logger: this.#components.logger,
      clock: this.#options.clock,
      bind: () => this.#bound(),
      unbind: () => this.#unbind(),
    });
  }

  async dial(address: Multiaddr, options: Parameters<Transport["dial"]>[1]): Promise<Connection> {
    const remotePeer = peerOf(address);
    if (remotePeer?.type !== "Ed25519") throw new TypeError("Cannot dial as no key is named");
    options.signal.throwIfAborted();
    const endpoint = await this.#bound();
    const { EndpointAddr, EndpointId } = this.#options.iroh;
    const id = EndpointId.fromBytes([...remotePeer.publicKey.raw]);
    const target = new EndpointAddr(id, null, socketsOf(address));
    const native = await raced(endpoint.connect(target, this.#alpn), options.signal);
    try {
      const connection = connectionOf(native, {
        remoteAddr: address,
        direction: "outbound",
        logger: this.#components.logger,
      });
      return await options.upgrader.upgradeOutbound(connection, {
        ...options,
        ...nativeUpgrade(native, remotePeer),
      });
    } catch (thrown) {
      native.close(CODE_REFUSED, []);
      throw thrown;
    }
  }

  #bound(): Promise<NativeEndpoint> {
    this.#endpoint ??= this.#bindSomewhere();
    this.#endpoint.catch(() => this.#endpoint = undefined);
    return this.#endpoint;
  }

  /**
   * Binds what is asked; without the second address where a host has no IPv6; else at free ports. The
   * native part lets go of a closed endpoint's sockets only when its objects are collected as garbage,
   * so the port of before may be taken by this very program, or by the one that started it.
   */
  async #bindSomewhere(): Promise<NativeEndpoint> {
    const { bind } = this.#options;
    const free = bind.map((address) => address.replace(/:\d+$/, ":0"));
    const ways = [bind, bind.slice(0, 1)];
    if (free.join() !== bind.join()) ways.push(free, free.slice(0, 1));
    let last: unknown;
    for (const way of ways) {
      try {
        return await this.#bind(way);
      } catch (thrown) {
        last = thrown;
      }
    }
    throw last;
  }

  #bind(addresses: readonly string[]): Promise<NativeEndpoint> {
    const { Endpoint, RelayMode } = this.#options.iroh;
    const builder = Endpoint.builder();
    builder.applyMinimal();
    builder.relayMode(RelayMode.disabled());
    builder.secretKey([...this.#components.privateKey.raw.subarray(0, 32)]);
    builder.alpns([this.#alpn]);
    for (const address of addresses) builder.bindAddr(address);
    return builder.bind();
  }

  async #unbind(): Promise<void> {
    const endpoint = await this.#endpoint?.catch(() => undefined);
    this.#endpoint = undefined;
    await endpoint?.close();
  }
}

interface ListenerOptions {
  readonly clock: Clock;
  readonly upgrader: Upgrader;
  readonly logger: ComponentLogger;
  readonly bind: () => Promise<NativeEndpoint>;
  readonly unbind: () => Promise<void>;
}

class IrohListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #options: ListenerOptions;
  readonly #closing = new AbortController();
  #sockets: readonly string[] = [];
  #underway = 0;

  constructor(options: ListenerOptions) {
    super();
    this.#options = options;
  }

  async listen(): Promise<void> {
    const endpoint = await this.#options.bind();
    this.#sockets = endpoint.boundSockets();
    this.#acceptAll(endpoint).catch(() => {});
    this.safeDispatchEvent("listening");
  }

  getAddrs(): Multiaddr[] {
    return this.#sockets.flatMap((socket) => {
      const address = addressOf(socket);
      const port = Number(socket.slice(socket.lastIndexOf(":") + 1));
      return address === undefined
        ? []
        : getThinWaistAddresses(address, port).map((each) => each.encapsulate("/iroh"));
    });
  }

  updateAnnounceAddrs(): void {}

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.race([this.#options.unbind(), this.#options.clock.sleep(IROH_CLOSE_MS)]);
    this.safeDispatchEvent("close");
  }

  async #acceptAll(endpoint: NativeEndpoint): Promise<void> {
    while (!this.#closing.signal.aborted) {
      const incoming = await endpoint.acceptNext();
      if (incoming === null) return;
      if (this.#underway >= HANDSHAKES_MAX) {
        incoming.refuse().catch(() => {});
        continue;
      }
      this.#underway++;
      this.#accept(incoming).catch(() => {}).finally(() => this.#underway--);
    }
  }

  async #accept(incoming: NativeIncoming): Promise<void> {
    const from = await incoming.remoteAddr();
    const native = await (await incoming.accept()).connect();
    try {
      const key = Uint8Array.from(native.remoteId().toBytes());
      const remotePeer = peerIdFromPublicKey(publicKeyFromRaw(key));
      const place = (addressOf(from.addr ?? "") ?? multiaddr("/ip4/0.0.0.0/udp/0"))
        .encapsulate("/iroh");
      const connection = connectionOf(native, {
        remoteAddr: place.encapsulate(`/p2p/${remotePeer}`),
        direction: "inbound",
        logger: this.#options.logger,
      });
      await this.#options.upgrader.upgradeInbound(connection, {
        ...nativeUpgrade(native, remotePeer),
        signal: this.#closing.signal,
      });
    } catch (thrown) {
      // Left open, the dialler would keep and use it.
      native.close(CODE_REFUSED, []);
      throw thrown;
    }
  }
}

function connectionOf(
  native: NativeConnection,
  { remoteAddr, direction, logger }: {
    readonly remoteAddr: Multiaddr;
    readonly direction: "inbound" | "outbound";
    readonly logger: ComponentLogger;
  },
): IrohConnection {
  native.setMaxConcurrentBiStreams(BigInt(STREAMS_PER_LINK_MAX));
  native.setMaxConcurrentUniStreams(0n);
  return new IrohConnection({ remoteAddr, direction, log: logger.forComponent("iroh") }, native);
}

/** QUIC has proven the key and separates the streams: libp2p adds neither. */
function nativeUpgrade(native: NativeConnection, remotePeer: PeerId): {
  readonly skipEncryption: true;
  readonly skipProtection: true;
  readonly remotePeer: PeerId;
  readonly muxerFactory: ReturnType<typeof irohMuxer>;
} {
  const muxerFactory = irohMuxer(native);
  return { skipEncryption: true, skipProtection: true, remotePeer, muxerFactory };
}

/** The link, unless the signal aborts first; then it is closed when it comes. */
async function raced(
  connecting: Promise<NativeConnection>,
  signal: AbortSignal,
): Promise<NativeConnection> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([connecting, aborted.promise]);
  } catch (thrown) {
    connecting.then((late) => late.close(CODE_REFUSED, []), () => {});
    throw thrown;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function peerOf(address: Multiaddr): PeerId | undefined {
  const named = address.getComponents().findLast(({ name }) => name === "p2p")?.value;
  return named === undefined ? undefined : peerIdFromString(named);
}

/** "IP:PORT" of an address, an IPv6 address in brackets. */
function socketsOf(address: Multiaddr): readonly string[] {
  const parts = address.getComponents();
  const place = parts.find(({ name }) => name === "ip4" || name === "ip6");
  const port = parts.find(({ name }) => name === "udp")?.value;
  if (place?.value === undefined || port === undefined) return [];
  return [`${place.name === "ip6" ? `[${place.value}]` : place.value}:${port}`];
}

/** The address of "IP:PORT", without what it is for. */
function addressOf(socket: string): Multiaddr | undefined {
  const [, host, port] = /^\[?([^\]]+?)\]?:(\d+)$/.exec(socket) ?? [];
  if (host === undefined || port === undefined) return undefined;
  return multiaddr(`/${host.includes(":") ? "ip6" : "ip4"}/${host}/udp/${port}`);
}
