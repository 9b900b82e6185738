/** A service inside each simulated node that tells what the node sees of the mesh. */
import * as v from "valibot";
import type { Host, Service } from "../kernel/mod.ts";
import type { NetworkEvent, PeerList } from "../services/network/mod.ts";
import { eventsTopic, peersTopic } from "../services/network/mod.ts";

/** Whom the watcher tells. */
export interface Watching {
  readonly onEvent: (event: NetworkEvent) => void;
  readonly onPeers: (list: PeerList) => void;
}

/** The service, for one life of a node. */
export function watcher({ onEvent, onPeers }: Watching): Service {
  return {
    name: "watcher",
    description: "Tells the simulation what the node sees.",
    config: v.strictObject({}),
    needs: [],
    critical: true,
    run: async (_config, host) => {
      const watching = Promise.all([
        follow<NetworkEvent>(host, eventsTopic, onEvent),
        follow<PeerList>(host, peersTopic, onPeers),
      ]);
      host.ready();
      await watching;
    },
  };
}

async function follow<T>(host: Host, topic: string, tell: (payload: T) => void): Promise<void> {
  const messages = host.bus.subscribe(topic, { signal: host.signal, replay: 1 });
  for await (const { payload } of messages) tell(payload as T);
}
