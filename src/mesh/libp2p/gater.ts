/** libp2p's connection gater over ours: it asks for every link of every transport, both ways. */
import type { ConnectionGater, PeerId } from "@libp2p/interface";
import type { MeshGate, PeerKey } from "../../ports/mod.ts";
import { LINKS_PER_PEER_MAX } from "./limits.ts";
import { keyOfPeerId } from "./peer_keys.ts";

/** What the gater needs to know. */
export interface GaterOptions {
  readonly gate: MeshGate;
  /** How many links lead to a peer. */
  readonly linkCountOf: (key: PeerKey) => number;
  /** Called for each link that was not let come about. */
  readonly onRefused: (key: PeerKey | undefined) => void;
}

/** A gater for `createLibp2p`. */
export function connectionGaterOf(options: GaterOptions): ConnectionGater {
  const isDenied = (peerId: PeerId): boolean => {
    const key = keyOfPeerId(peerId);
    if (
      key !== undefined && options.gate.admits(key) && options.linkCountOf(key) < LINKS_PER_PEER_MAX
    ) return false;
    options.onRefused(key);
    return true;
  };
  return {
    denyDialPeer: (peerId) => {
      const key = keyOfPeerId(peerId);
      return key === undefined || !options.gate.admits(key);
    },
    // Addresses are checked where they come in; libp2p's default denies private ones in browsers.
    denyDialMultiaddr: () => false,
    denyInboundEncryptedConnection: isDenied,
    denyOutboundEncryptedConnection: isDenied,
  };
}
