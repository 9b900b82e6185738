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
export type { Address, Listener, Network, NetworkErrorCode } from "./network.ts";
