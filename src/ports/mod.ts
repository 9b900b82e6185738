/**
 * The ports through which the outside world enters: time, randomness, disk and local sockets.
 *
 * @module
 */
export type { Clock, Timer } from "./clock.ts";
export type { Random } from "./random.ts";
export { DiskError } from "./disk.ts";
export type { Disk, DiskErrorCode, DiskFile, FileInfo, OpenMode } from "./disk.ts";
export { NetworkError } from "./network.ts";
export type { Address, Landing, Listener, Network, NetworkErrorCode } from "./network.ts";
export { realClock } from "./real_clock.ts";
export { realRandom } from "./real_random.ts";
export { realDisk } from "./real_disk.ts";
export { realNetwork, unixPathBytesMax } from "./real_network.ts";
export { makeDirectoryDurably } from "./durable_directory.ts";
export { readWholeFile, writeFileDurably } from "./durable_file.ts";
export type { DurableWrite } from "./durable_file.ts";
export { absentMesh } from "./absent_mesh.ts";
export type { AbsentMeshOptions } from "./absent_mesh.ts";
export { gossipBytesMax, MeshError, meshFrameBytesMax } from "./mesh_network.ts";
export type {
  GossipMessage,
  MeshCounters,
  MeshErrorCode,
  MeshEvent,
  MeshGate,
  MeshListening,
  MeshListenOptions,
  MeshNetwork,
  MeshPeer,
  MeshStream,
  MeshTransport,
  PeerKey,
  ProtocolOptions,
} from "./mesh_network.ts";
