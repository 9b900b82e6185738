/**
 * The service "network": owns `host.mesh`. It decides who is let in, knows who is there and what they
 * have, and tells the other services. Until the node is in a mesh nothing listens and no library of a
 * transport is loaded.
 */
import type * as v from "valibot";
import { implement, RpcError } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import { encodeTicket, MembershipError, parseTicket, secretBytes } from "../../mesh/mod.ts";
import type { PeerRow, Trust } from "../../mesh/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import type { PeerKey, Timer } from "../../ports/mod.ts";
import { CapabilityBook } from "./capability_book.ts";
import { networkConfig } from "./config.ts";
import type { NetworkConfig } from "./config.ts";
import { eventsTopic, networkContract, peersTopic } from "./contract.ts";
import type { Invited, MeshStatus, NetworkEvent } from "./contract.ts";
import { shortIdOf } from "./keys.ts";
import { MeshMember } from "./mesh_member.ts";
import { exposePeers } from "./peer_metrics.ts";
import { notFoundWords } from "./peer_names.ts";
import { PeerViews } from "./peer_views.ts";

/** How long `peers.connect` may take. */
const connectMsMax = 10_000;

/** Changes of the peers are gathered for so long, and so much longer for each member, in ms. */
const gatherMs = 20;
const gatherMsPerMember = 5;

/** What the service may be made with. */
export interface NetworkServiceOptions {
  /** Rows beside those of peers.json. */
  readonly rows?: readonly PeerRow[] | undefined;
  /** Versions of the mesh's conversation; for tests of an upgrade. */
  readonly versions?: readonly number[] | undefined;
}

/** Makes the service. */
export function createNetworkService(
  options: NetworkServiceOptions = {},
): Service<NetworkConfig> {
  return {
    name: "network",
    description: "Takes part in a mesh of nodes: who is in it, who is there, what they have.",
    config: networkConfig as v.GenericSchema<unknown, NetworkConfig>,
    needs: [],
    // Answers that are being computed end first, and with them the links to those who compute.
    outlives: ["inference"],
    critical: false,
    run: (config, host) => run(config, { ...options, host }),
  };
}

interface Parts {
  readonly host: Host;
  readonly book: CapabilityBook;
  readonly member: MeshMember;
  readonly views: PeerViews;
}

async function run(
  config: NetworkConfig,
  { host, ...options }: NetworkServiceOptions & { readonly host: Host },
): Promise<void> {
  const book = new CapabilityBook();
  let timer: Timer | undefined;
  const onChange = (key?: PeerKey): void => {
    views.changed(key);
    const delayMs = gatherMs + gatherMsPerMember * member.membership.keys.size;
    timer ??= host.clock.after(delayMs, () => {
      timer = undefined;
      host.bus.publish(peersTopic, views.list(false));
    });
  };
  const member: MeshMember = new MeshMember({ ...options, config, host, book, onChange });
  const views: PeerViews = new PeerViews({ host, book, member });
  const parts: Parts = { host, book, member, views };
  exposePeers(host, member);
  await host.serve(methodsOf(parts, onChange));
  await member.start();
  host.bus.publish(peersTopic, views.list(false));
  host.ready();
  await aborted(host.signal);
  timer?.cancel();
  await member.stop();
}

function methodsOf(parts: Parts, onChange: (key: PeerKey) => void): Methods {
  const { host, book, member, views } = parts;
  return implement(networkContract, {
    "mesh.status": () => Promise.resolve(statusOf(parts)),
    "mesh.invite": (params) => told(() => invite(parts, params)),
    "mesh.join": (params) => told(() => join(parts, params)),
    "mesh.leave": () =>
      told(async () => {
        const left = member.membership.state !== "none";
        if (left) await member.leave();
        return { left };
      }),
    "mesh.events": async function* ({ replay }, { signal }): AsyncGenerator<NetworkEvent> {
      for await (const { payload } of host.bus.subscribe(eventsTopic, { signal, replay })) {
        yield payload as NetworkEvent;
      }
    },
    "peers.list": ({ all }) => Promise.resolve(views.list(all)),
    "peers.connect": ({ key: text }, { signal }) =>
      told(async () => await connect(parts, keyOf(parts, text), signal)),
    "peers.add": ({ key: text, addresses, alias, trust }) =>
      told(async () => {
        const key = keyOf(parts, text);
        if (trust !== undefined || !member.membership.has(key)) {
          await member.change({ kind: "put", key, trust: trust ?? "member" });
        }
        await member.peerBook.put({ key, alias, hints: addresses });
        member.session?.want(key);
        onChange(key);
        return placed(parts, key);
      }),
    "peers.remove": ({ key: text }) =>
      told(async () => {
        const key = memberOf(parts, text);
        const { signed } = await member.change({ kind: "remove", key });
        await member.peerBook.remove(key);
        return { key, rosterVersion: signed.roster.version };
      }),
    "peers.trust": ({ key: text, trust }) =>
      told(async () => {
        const key = memberOf(parts, text);
        await member.change({ kind: "put", key, trust });
        onChange(key);
        return placed(parts, key);
      }),
    "log.heads": () => Promise.resolve({ peers: member.logs.all() }),
    "log.accept": async ({ key: text }) => {
      const key = memberOf(parts, text);
      const size = await member.logs.accept(key);
      if (size !== undefined) return { key, size };
      const message = `Cannot accept the journal of ${shortIdOf(key)} as no head of it is known`;
      throw new RpcError({ kind: "notFound", message });
    },
    "capabilities.set": ({ source, capabilities }) =>
      told(() => {
        const changed = book.set(source, capabilities);
        if (changed) {
          member.announceSoon();
          onChange(host.identity.key);
        }
        return Promise.resolve({ changed });
      }),
  });
}

function statusOf({ host, member }: Parts): MeshStatus {
  const { membership, refusals, listening } = member;
  return {
    state: membership.state,
    mesh: membership.mesh ?? null,
    key: host.identity.key,
    hid: host.identity.hid,
    rosterVersion: membership.signed?.roster.version ?? 0,
    memberCount: membership.keys.size,
    addresses: [...listening.addresses],
    missing: [...listening.missing],
    openInvitations: membership.openInvitations,
    refusals: refusals.counts(),
  };
}

async function invite(
  { host, member }: Parts,
  { trust, expiresMs }: { readonly trust: Trust; readonly expiresMs: number },
): Promise<Invited> {
  const { membership } = member;
  if (membership.state === "member" || membership.state === "removed") {
    throw new RangeError(
      "Cannot invite as only the node that issues the mesh's roster may: ask there, or leave this mesh",
    );
  }
  await membership.found();
  await member.open();
  const addresses = member.ticketAddresses();
  if (addresses.length === 0) {
    throw new RangeError(
      "Cannot invite as this node has no address: set network.tcpListen or network.advertise",
    );
  }
  const secret = host.random.fill(new Uint8Array(secretBytes));
  const expiresAtMs = host.clock.nowMs() + expiresMs;
  await membership.invite({ secret, trust, expiresAtMs });
  member.tell({ kind: "invited", detail: trust });
  const ticket = encodeTicket({ issuer: host.identity.key, secret, addresses });
  return { ticket, expiresAtMs, trust, addresses, missing: [...member.listening.missing] };
}

async function join(
  { host, member }: Parts,
  { ticket: text, leave }: { readonly ticket: string; readonly leave: boolean },
): Promise<{ mesh: PeerKey; trust: Trust; memberCount: number }> {
  const ticket = parseTicket(text);
  const { membership } = member;
  if (ticket.issuer === host.identity.key) {
    throw new RangeError("Cannot join as the ticket is of this very node: use it on another one");
  }
  const isBound = membership.state === "member" ||
    (membership.state === "issuer" && membership.keys.size > 1);
  if (isBound && membership.mesh !== ticket.issuer && !leave) {
    throw new RangeError(
      `Cannot join as this node is in mesh ${
        shortIdOf(membership.mesh ?? ticket.issuer)
      }: leave that one by --leave`,
    );
  }
  await member.join(ticket);
  const trust = membership.trustOf(host.identity.key) ?? "member";
  return { mesh: ticket.issuer, trust, memberCount: membership.keys.size };
}

/** Sees to a verified link, and waits for it. */
async function connect(
  { host, member }: Parts,
  key: PeerKey,
  signal: AbortSignal,
): Promise<{ key: PeerKey; transport: string }> {
  const limit = new AbortController();
  const timer = host.clock.after(connectMsMax, () => limit.abort());
  const either = AbortSignal.any([signal, limit.signal]);
  try {
    const events = host.bus.subscribe(eventsTopic, { signal: either });
    member.session?.want(key);
    if (member.session?.registry.linkOf(key) === undefined) {
      for await (const { payload } of events) {
        const { kind, key: about } = payload as NetworkEvent;
        if (kind === "linked" && about === key) break;
      }
    }
  } finally {
    timer.cancel();
    limit.abort();
  }
  const link = host.mesh.peers().find((peer) => peer.key === key);
  if (link !== undefined && member.session?.registry.linkOf(key) !== undefined) {
    return { key, transport: link.transport };
  }
  const message = `Cannot reach peer ${shortIdOf(key)} within ${connectMsMax} ms`;
  throw new RpcError({ kind: "unavailable", message });
}

/** The key that a text names. @throws {RpcError} "notFound" */
function keyOf({ host, member }: Parts, text: string): PeerKey {
  const { peerBook, membership: { keys } } = member;
  const key = peerBook.find(text, keys);
  if (key !== undefined) return key;
  const others = [...keys].filter((one) => one !== host.identity.key);
  throw new RpcError({ kind: "notFound", message: notFoundWords(text, { peerBook, others }) });
}

/** The key of a member that a text names. @throws {RpcError} "notFound" */
function memberOf(parts: Parts, text: string): PeerKey {
  const key = keyOf(parts, text);
  if (parts.member.membership.has(key)) return key;
  const message = `Cannot find member ${shortIdOf(key)} as the roster has no such node`;
  throw new RpcError({ kind: "notFound", message });
}

function placed(
  { member: { membership } }: Parts,
  key: PeerKey,
): { key: PeerKey; trust: Trust; rosterVersion: number } {
  const rosterVersion = membership.signed?.roster.version ?? 0;
  return { key, trust: membership.trustOf(key) ?? "member", rosterVersion };
}

/** Turns what callers can act on into errors that they see. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof RangeError) {
      throw new RpcError({ kind: "invalidParams", message: cause.message, cause });
    }
    if (cause instanceof MembershipError) {
      const { code, message } = cause;
      const kind = code.startsWith("ticket-") ? "invalidParams" : "unavailable";
      throw new RpcError({ kind, message, data: { reason: code }, cause });
    }
    if (!(cause instanceof MeshError)) throw cause;
    const data = { reason: cause.code };
    throw new RpcError({ kind: "unavailable", message: cause.message, data, cause });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
