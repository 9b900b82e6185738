/**
 * Multiaddresses: which ones are dialled, what carries them, and those to listen at.
 *
 * Addresses come from tickets, from files and from other peers. Only plain ones are taken: an IP
 * address or a name with a TCP port, an IP address with a UDP port for iroh.
 */
import type { Multiaddr } from "@multiformats/multiaddr";
import { multiaddr, registry } from "@multiformats/multiaddr";
import type { MeshTransport } from "../../ports/mod.ts";
import { DIAL_ADDRESSES_MAX } from "./limits.ts";

/** iroh's code among multiaddresses, from multicodec's range for private use (0x300000 and up). */
export const CODE_IROH = 0x300b0a;

/** Longest address that is looked at, in characters: a name of 253 and the rest. */
const ADDRESS_CHARACTERS_MAX = 400;

const TCP_PATTERN = /^\/(ip4|ip6|dns|dns4|dns6)\/[^/]+\/tcp\/\d{1,5}(\/p2p\/[^/]+)?$/;
const IROH_PATTERN = /^\/(ip4|ip6)\/[^/]+\/udp\/\d{1,5}\/iroh(\/p2p\/[^/]+)?$/;

/**
 * Makes iroh's addresses readable. Each process does this, one without iroh too: libp2p drops all
 * that a peer says of itself when one of its addresses has a code that is not known.
 */
export function registerIrohCodec(): void {
  try {
    registry.getProtocol(CODE_IROH);
  } catch {
    registry.addProtocol({ code: CODE_IROH, name: "iroh", size: 0 });
  }
}

/** Whether an address is iroh's. */
export function isIrohAddress(address: Multiaddr): boolean {
  return address.getComponents().some(({ code }) => code === CODE_IROH);
}

/** What carries an address. */
export function transportOf(address: Multiaddr): MeshTransport {
  return isIrohAddress(address) ? "iroh" : "tcp";
}

/**
 * Addresses that may be dialled to reach the peer, each ending in its id; others are left out, and so
 * are those that name another peer. At most `DIAL_ADDRESSES_MAX`.
 */
export function dialable(addresses: readonly string[], peerId: string): readonly Multiaddr[] {
  const found = new Map<string, Multiaddr>();
  for (const text of addresses) {
    const address = tryAddress(text, peerId);
    if (address !== undefined) found.set(address.toString(), address);
    if (found.size === DIAL_ADDRESSES_MAX) break;
  }
  return [...found.values()];
}

function tryAddress(text: string, peerId: string): Multiaddr | undefined {
  if (text.length > ADDRESS_CHARACTERS_MAX) return undefined;
  if (!TCP_PATTERN.test(text) && !IROH_PATTERN.test(text)) return undefined;
  const [place, named] = text.split("/p2p/");
  if (place === undefined || (named !== undefined && named !== peerId)) return undefined;
  try {
    return multiaddr(`${place}/p2p/${peerId}`);
  } catch {
    return undefined; // A port above 65535, an IP address that is none.
  }
}

/** Where to listen. */
export interface ListenPlaces {
  /** For libp2p's TCP. */
  readonly tcp: readonly string[];
  /** For libp2p's list of what is listened at: one stands for all of iroh's sockets. */
  readonly iroh: readonly string[];
  /** Sockets of iroh, one for each family: it binds all addresses of a family that is not named. */
  readonly irohSockets: readonly string[];
  /** Whether that is at every address of the machine, which are then to be found out. */
  readonly isWildcard: boolean;
}

/** What is known of a machine without asking it: for each "every address", its loopback. */
const seenHosts: ReadonlyMap<string, string> = new Map([
  ["0.0.0.0", "127.0.0.1"],
  ["[::]", "[::1]"],
]);

/**
 * Where to listen for what the port asks: iroh at the same host and port number as TCP, or at any
 * address and port where there is no TCP.
 *
 * @param options `isBlind`: which addresses the machine has can't be found out, so that loopback takes
 * the place of "every address"
 * @throws {SyntaxError} when `tcp` is no "IP:PORT"; an IPv6 address is in brackets
 */
export function listenPlaces(
  tcp: string | false,
  iroh: boolean,
  options: { readonly isBlind?: boolean } = {},
): ListenPlaces {
  const [, asked = "", digits = ""] = /^(\[[^\]]+\]|[^:[\]/]+):(\d{1,5})$/.exec(
    (tcp || "0.0.0.0:0").replace(/^localhost:/, "127.0.0.1:"),
  ) ?? [];
  const host = options.isBlind === true ? seenHosts.get(asked) ?? asked : asked;
  const bare = host.replace(/^\[|\]$/g, "");
  const isV6 = bare.includes(":");
  const port = Number(digits);
  if (host === "" || port > 65535 || (!isV6 && !/^\d+(\.\d+){3}$/.test(bare))) {
    throw new SyntaxError(
      `Cannot listen as an address must be "IP:PORT": current value is "${
        String(tcp).slice(0, 80)
      }"`,
    );
  }
  const isWildcard = bare === "0.0.0.0" || bare === "::";
  const other = isV6
    ? `${isWildcard ? "0.0.0.0" : "127.0.0.1"}:0`
    : `${isWildcard ? "[::]" : "[::1]"}:0`;
  return {
    tcp: tcp === false ? [] : [`/${isV6 ? "ip6" : "ip4"}/${bare}/tcp/${port}`],
    iroh: iroh ? [`/${isV6 ? "ip6" : "ip4"}/${bare}/udp/${port}/iroh`] : [],
    irohSockets: iroh ? [`${host}:${port}`, other] : [],
    isWildcard,
  };
}
