/**
 * The node's part in a mesh, at network/rpc.sock: it owns `host.mesh`.
 *
 * Other services say what they have by `capabilities.set`, read `peers.list`, and follow the bus
 * topics `mesh.peers` and `mesh.events`.
 *
 * @module
 */
export { createNetworkService } from "./service.ts";
export type { NetworkServiceOptions } from "./service.ts";
export { networkConfig } from "./config.ts";
export type { NetworkConfig } from "./config.ts";
export { eventsTopic, networkContract, peersTopic } from "./contract.ts";
export { hasMesh, logHeadsFile } from "./mesh_files.ts";
export type { Invited, MeshStatus, NetworkEvent, PeerList, PeerView } from "./contract.ts";
export { hidOfKey, shortIdOf } from "./keys.ts";
