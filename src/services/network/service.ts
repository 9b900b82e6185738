/**
 * The service "network": owns `host.mesh`. It decides who is let in, knows who is there and what they
 * have, and tells the other services. Until the node is in a mesh nothing listens and no library of a
 * transport is loaded.
 */
import type * as v from "valibot";
import { implement, RpcError } from "../../kernel/mod.ts";
import type { Host, Methods, Service } from "../../kernel/mod.ts";
import { CapabilityBook } from "./capability_book.ts";
import { networkConfig } from "./config.ts";
import type { NetworkConfig } from "./config.ts";
import { eventsTopic, networkContract, peersTopic } from "./contract.ts";
import type { NetworkEvent, PeerList } from "./contract.ts";

/** The service. */
export const networkService: Service<NetworkConfig> = {
  name: "network",
  description: "Takes part in a mesh of nodes: who is in it, who is there, what they have.",
  config: networkConfig as v.GenericSchema<unknown, NetworkConfig>,
  needs: [],
  critical: false,
  run: (_config, host) => run(host),
};

async function run(host: Host): Promise<void> {
  const book = new CapabilityBook();
  await host.serve(methodsOf(host, book));
  host.bus.publish(peersTopic, peerList(host, book));
  host.ready();
  await aborted(host.signal);
}

function methodsOf(host: Host, book: CapabilityBook): Methods {
  return implement(networkContract, {
    "mesh.status": () =>
      Promise.resolve({
        state: "none" as const,
        mesh: null,
        key: host.identity.key,
        hid: host.identity.hid,
        rosterVersion: 0,
        memberCount: 0,
        addresses: [],
        missing: [],
        openInvitations: 0,
        refusals: {},
      }),
    "mesh.events": async function* ({ replay }, { signal }): AsyncGenerator<NetworkEvent> {
      for await (const { payload } of host.bus.subscribe(eventsTopic, { signal, replay })) {
        yield payload as NetworkEvent;
      }
    },
    "peers.list": () => Promise.resolve(peerList(host, book)),
    "capabilities.set": ({ source, capabilities }) => {
      const changed = setCapabilities(book, { source, capabilities });
      if (changed) host.bus.publish(peersTopic, peerList(host, book));
      return Promise.resolve({ changed });
    },
  });
}

function setCapabilities(
  book: CapabilityBook,
  said: { readonly source: string; readonly capabilities: Parameters<CapabilityBook["set"]>[1] },
): boolean {
  try {
    return book.set(said.source, said.capabilities);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new RpcError({ kind: "invalidParams", message: thrown.message });
  }
}

function peerList(host: Host, book: CapabilityBook): PeerList {
  const { key, hid } = host.identity;
  return { self: { key, hid, capabilities: book.capabilities }, peers: [] };
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
