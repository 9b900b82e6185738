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

/**
 * The multiaddress to listen at for "host:port"; a host with colons is in brackets.
 *
 * @throws {SyntaxError} when it is no such text
 */
export function tcpListenAddress(text: string): string {
  const [, host = "", port = ""] = /^(\[[^\]]+\]|[^:[\]/]+):(\d{1,5})$/.exec(text) ?? [];
  const bare = host.replace(/^\[|\]$/g, "");
  const kind = bare.includes(":") ? "ip6" : /^\d+(\.\d+){3}$/.test(bare) ? "ip4" : undefined;
  if (kind !== undefined && Number(port) <= 65535) return `/${kind}/${bare}/tcp/${Number(port)}`;
  throw new SyntaxError(
    `Cannot listen as an address must be "IP:PORT": current value is "${text.slice(0, 80)}"`,
  );
}
