/**
 * Dialling a peer: TCP first, each transport through its addresses in turn. iroh follows when TCP has
 * not answered within a moment, or has failed: both sides open long-lived streams over the first link
 * that they have, and TCP carries them several times faster. It is done with the first link; the other
 * transport goes on, as a second link to fall back on.
 */
import type { Connection } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { MeshError } from "../../ports/mod.ts";
import type { Clock, MeshTransport, PeerKey } from "../../ports/mod.ts";
import { dialable, transportOf } from "./addresses.ts";
import { DIAL_TIMEOUT_MS, TCP_HEAD_START_MS } from "./limits.ts";
import type { Links } from "./links.ts";
import type { Dialler } from "./node.ts";
import { peerIdOfKey } from "./peer_keys.ts";

/** What dialling works with. */
export interface DialPeerOptions {
  readonly addresses: readonly string[];
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly links: Links;
  readonly dialler: Dialler;
}

/** Sees to it that there is a link. @throws {MeshError} "refused", "unreachable"; the signal's reason */
export async function dialPeer(key: PeerKey, options: DialPeerOptions): Promise<void> {
  options.signal.throwIfAborted();
  const addresses = dialable(options.addresses, peerIdOfKey(key).toString());
  const wanted = (transport: MeshTransport): readonly Multiaddr[] =>
    options.links.has(key, transport)
      ? []
      : addresses.filter((address) => transportOf(address) === transport);
  const [tcp, iroh] = [wanted("tcp"), wanted("iroh")];
  if (options.links.bestOf(key) !== undefined) {
    for (const some of [tcp, iroh]) dialEach(key, { some, options }).catch(() => {});
    return;
  }
  if (tcp.length + iroh.length === 0) {
    throw failure("unreachable", "no address of it can be dialled");
  }
  const byTcp = tcp.length === 0 ? undefined : dialEach(key, { some: tcp, options });
  const attempts = byTcp === undefined ? [] : [byTcp];
  if (iroh.length > 0) attempts.push(dialAfter(byTcp, { key, some: iroh, options }));
  try {
    await Promise.any(attempts);
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (options.links.bestOf(key) !== undefined) return; // It dialled us meanwhile.
    throw worstOf(thrown);
  }
}

/** Dials by iroh once TCP is there, has failed, or has had its moment; at once where there is none. */
async function dialAfter(
  byTcp: Promise<void> | undefined,
  { key, some, options }: {
    readonly key: PeerKey;
    readonly some: readonly Multiaddr[];
    readonly options: DialPeerOptions;
  },
): Promise<void> {
  if (byTcp !== undefined) {
    const isSettled = new AbortController();
    const onSettled = (): void => isSettled.abort();
    byTcp.then(onSettled, onSettled);
    const either = AbortSignal.any([options.signal, isSettled.signal]);
    await options.clock.sleep(TCP_HEAD_START_MS, either).catch(() => {});
  }
  await dialEach(key, { some, options });
}

async function dialEach(
  key: PeerKey,
  { some, options }: { readonly some: readonly Multiaddr[]; readonly options: DialPeerOptions },
): Promise<void> {
  let last: MeshError | undefined;
  for (const address of some) {
    options.signal.throwIfAborted();
    if (options.links.has(key, transportOf(address) satisfies MeshTransport)) return;
    try {
      return await dialOne(address, options);
    } catch (thrown) {
      const error = errorOf(thrown);
      // A refusal says more than an address at which nobody is.
      if (last === undefined || error.code === "refused") last = error;
    }
  }
  throw last ?? failure("unreachable", "no address of it can be dialled");
}

/** One attempt at one address, up to the peer's first probe, which shows that it let us in. */
async function dialOne(address: Multiaddr, options: DialPeerOptions): Promise<void> {
  // TCP sockets obey the signal for as long as they live: a link must not end with who dialled it.
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(options.signal.reason);
  const timer = options.clock.after(DIAL_TIMEOUT_MS, () => stop.abort());
  options.signal.addEventListener("abort", onAbort, { once: true });
  try {
    const connection = await options.dialler.dial(address, { signal: stop.signal });
    await provenOf(connection, options.links);
  } finally {
    timer.cancel();
    options.signal.removeEventListener("abort", onAbort);
  }
}

async function provenOf(connection: Connection, links: Links): Promise<void> {
  const link = links.of(connection);
  if (link !== undefined && await link.proven) return;
  throw failure("refused", "it closed the link at once");
}

function errorOf(thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  const name = thrown instanceof Error ? thrown.name : "";
  if (
    ["ConnectionInterceptedError", "EncryptionFailedError", "MuxerUnavailableError"].includes(name)
  ) {
    return failure("refused", "it, or this node, does not let the other in", thrown);
  }
  return failure("unreachable", "nobody answers as this peer", thrown);
}

function worstOf(thrown: unknown): MeshError {
  const errors = thrown instanceof AggregateError ? thrown.errors.map(errorOf) : [errorOf(thrown)];
  return errors.find(({ code }) => code === "refused") ?? errors[0] ??
    failure("unreachable", "nobody answers as this peer", thrown);
}

function failure(code: "refused" | "unreachable", why: string, cause?: unknown): MeshError {
  return new MeshError({ code, message: `Cannot dial a peer as ${why}`, cause });
}
