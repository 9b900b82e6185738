/**
 * Test doubles of the ports: virtual time, seeded randomness, a disk that crashes, a network in
 * memory. Nothing in the product imports this folder.
 *
 * @example
 * ```ts
 * const disk = new ModelledDisk();
 * const file = await disk.open("/a", "create");
 * await file.write(new Uint8Array([1]));
 * const after = disk.crash(new SeededRandom(7)); // "/a" may be gone, empty, or hold the byte
 * ```
 *
 * @module
 */
export { VirtualClock } from "./virtual_clock.ts";
export { nextXoshiro, SeededRandom } from "./seeded_random.ts";
export type { XoshiroState } from "./seeded_random.ts";
export { ModelledDisk } from "./modelled_disk.ts";
export type { DiskFault, DiskOperation } from "./disk_operation.ts";
export { MemoryNetwork } from "./memory_network.ts";
export type { MemoryNetworkOptions } from "./memory_network.ts";
export { MeshMedium } from "./mesh_medium.ts";
export type { MeshMediumOptions } from "./mesh_medium.ts";
