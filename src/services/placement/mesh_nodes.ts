/** The mesh as the network service tells it, this node first. */
import { peersTopic, shortIdOf } from "../network/mod.ts";
import type { PeerList } from "../network/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import type { MeshNode } from "../../placement/mod.ts";
import type { PeerKey } from "../../ports/mod.ts";

/** Asks the network service, which knows at every moment who is there. */
export class MeshNodes {
  readonly #host: Host;
  #list: PeerList | undefined;

  constructor(host: Host) {
    this.#host = host;
  }

  /** Follows who is there, until the service stops. */
  async follow(onChange: (nodes: readonly MeshNode[]) => void): Promise<void> {
    const { bus, signal } = this.#host;
    for await (const { payload } of bus.subscribe(peersTopic, { signal, replay: 1 })) {
      this.#list = payload as PeerList;
      onChange(nodesOf(this.#list));
    }
  }

  /** All members, those that are gone too, as they are now. */
  async list(signal?: AbortSignal): Promise<PeerList> {
    const list = await this.#host.call("network", "peers.list", { all: true }, signal);
    this.#list = list as PeerList;
    return this.#list;
  }

  /** What people are shown of a node: the short form of its id, behind its alias if it has one. */
  nameOf(peer: PeerKey): string {
    const alias = this.#list?.peers.find(({ key }) => key === peer)?.alias;
    const id = shortIdOf(peer);
    return alias === undefined ? id : `${alias} (${id})`;
  }
}

/** The members as nodes, this one first. */
export function nodesOf({ self, peers }: PeerList): readonly MeshNode[] {
  const own: MeshNode = {
    key: self.key,
    isSelf: true,
    isLinked: true,
    trust: "own",
    roundTripMs: 0,
    capabilities: self.capabilities,
  };
  const others = peers.map(({ key, state, trust, roundTripMs, capabilities }): MeshNode => ({
    key,
    isSelf: false,
    isLinked: state === "linked",
    trust,
    roundTripMs,
    capabilities,
  }));
  return [own, ...others];
}
