/**
 * Addresses in the placement kernel's memory, as drawn in `wasm/placement/index.ts`, and the face
 * that the WebAssembly kernel and its TypeScript twin share.
 */

/** Sum of the layers' work before each boundary, f32. */
export const WORK = 0;
/** Sum of the layers' memory before each boundary, u32. */
export const MEMORY = 0x800;
/** Cost of a unit of work on each node, f32. */
export const COST = 0x1000;
/** Memory of each node, u32. */
export const CAPACITY = 0x2000;
/** First layer that each node may run, u32. */
export const FIRST = 0x3000;
/** Layer before which each node's range ends, u32. */
export const END = 0x4000;
/** Hop from the requester, f32. */
export const ENTRY = 0x5000;
/** Hop back to the requester, f32. */
export const EXIT = 0x6000;
/** Nodes that must not come twice, u32. */
export const WATCHED = 0x8000;
/** Hops, tile by tile. */
export const HOP = 0x10000;
/** The first plane: costs of reaching a node at a boundary, f32. */
export const PLANES = 0x410000;
/** Bytes from one plane to the next. */
export const PLANE_BYTES = 0x210000;
/** Within a plane: costs of leaving a node at a boundary, f32. */
export const LEAVE = 0x108000;
/** Bytes from one boundary's row to the next. */
export const ROW_BYTES = 4160;
/** Bytes of the whole memory. */
export const MEMORY_BYTES = 0x4610000;
/** Nodes at most. */
export const NODES_MAX = 1024;
/** Layers at most. */
export const LAYERS_MAX = 256;
/** Watched nodes at most. */
export const WATCHED_MAX = 5;

/** What the WebAssembly module exports; documented there. Checks nothing. */
export interface PlacementKernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  solve(layers: number, nodes: number, watched: number): number;
}

/** Where the hop between two nodes lies. */
export function hopAddress(from: number, to: number): number {
  return HOP + (to >> 4) * 0x10000 + from * 64 + (to & 15) * 4;
}

/** Index in f32 of a node's arrival at a boundary in a plane; LEAVE / 4 behind it, of its leaving. */
export function cellIndex(plane: number, boundary: number, node: number): number {
  return (PLANES + plane * PLANE_BYTES + boundary * ROW_BYTES) / 4 + node;
}
