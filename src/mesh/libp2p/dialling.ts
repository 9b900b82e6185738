/**
 * Dialling a peer: TCP and iroh side by side, each through its addresses in turn. It is done with the
 * first link; the other transport goes on, as a second link to fall back on.
 */
import type { Connection } from "@libp2p/interface";
import type { Multiaddr } from "@multiformats/multiaddr";
import { MeshError } from "../../ports/mod.ts";
import type { Clock, MeshTransport, PeerKey } from "../../ports/mod.ts";
import { dialable, transportOf } from "./addresses.ts";
import { DIAL_TIMEOUT_MS, TCP_GRACE_MS } from "./limits.ts";
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
  const wanted = (["tcp", "iroh"] as const)
    .filter((transport) => !options.links.has(key, transport))
    .map((transport) => addresses.filter((address) => transportOf(address) === transport))
    .filter((some) => some.length > 0);
  if (options.links.bestOf(key) !== undefined) {
    for (const some of wanted) dialEach(key, { some, options }).catch(() => {});
    return;
  }
  if (wanted.length === 0) throw failure("unreachable", "no address of it can be dialled");
  const attempts = wanted.map((some) => dialEach(key, { some, options }));
  try {
    await Promise.any(attempts);
    if (!options.links.has(key, "tcp")) await settledSoon(attempts, options);
  } catch (thrown) {
    options.signal.throwIfAborted();
    if (options.links.bestOf(key) !== undefined) return; // It dialled us meanwhile.
    throw worstOf(thrown);
  }
}

/** Gives TCP a moment more when iroh was first, so that long-lived streams are not opened over iroh. */
async function settledSoon(
  attempts: readonly Promise<void>[],
  { clock, signal }: DialPeerOptions,
): Promise<void> {
  const enough = new AbortController();
  const moment = clock.sleep(TCP_GRACE_MS, AbortSignal.any([signal, enough.signal])).catch(
    () => {},
  );
  await Promise.race([moment, Promise.allSettled(attempts)]);
  enough.abort();
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
