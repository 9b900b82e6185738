/**
 * The placement module: the cheapest way over the boundaries between layers, where a stage is a run of
 * layers on one node. The problem is in `src/hot/placement.ts`.
 *
 *   arrive[i][p] = min over q of leave[i][q] + hop[q][p]        (i = 0: entry[p])
 *   leave[j][p]  = min over i of arrive[i][p] + cost[p] * (work[j] - work[i])
 *
 * Such a way may come to a node twice. For the nodes listed as watched it may not: there is a plane of
 * both tables for each set of watched nodes already used. An arrival at a watched node comes from the
 * plane without it; every other step stays in its plane.
 *
 * Plain f32 in this order. Nodes are handled 16 at a time (a tile); hops lie tile by tile, so that
 * the inner loop over sources reads memory straight on.
 *
 *   0x000000  work      257 f32: sum of the layers' work before a boundary
 *   0x000800  memory    257 u32: sum of the layers' memory before a boundary
 *   0x001000  cost      1,024 f32 per unit of work
 *   0x002000  capacity  1,024 u32 of memory
 *   0x003000  first     1,024 u32: layers from here
 *   0x004000  end       1,024 u32: to before here; a node left out has none
 *   0x005000  entry     1,024 f32: hop from the requester
 *   0x006000  exit      1,024 f32: hop back
 *   0x007000  sources   1,024 u32: nodes that some stage leaves at a boundary
 *   0x008000  watched   5 u32: the nodes that must not come twice
 *   0x010000  hop       64 tiles of 1,024 sources of 16 f32
 *   0x410000  planes    32 of 0x210000 B: the arrive table, and at 0x108000 the leave table; each 257
 *                       rows of 1,024 f32 and 64 B, so that rows do not share a cache set
 *   0x4610000 end       1,121 pages of 64 KiB, touched only as far as used
 */
const WORK: usize = 0;
const MEMORY: usize = 0x800;
const COST: usize = 0x1000;
const CAPACITY: usize = 0x2000;
const FIRST: usize = 0x3000;
const END: usize = 0x4000;
const ENTRY: usize = 0x5000;
const EXIT: usize = 0x6000;
const SOURCES: usize = 0x7000;
const WATCHED: usize = 0x8000;
const HOP: usize = 0x10000;
const PLANES: usize = 0x410000;
const PLANE_BYTES: usize = 0x210000;
const LEAVE: usize = 0x108000;
const ROW: usize = 4160;
const TILE_NODES: u32 = 16;

/**
 * The least cost of all `layers` over the first `nodes` nodes, of which `watched` (0 to 5) come once
 * at most; infinite when there is no way.
 */
export function solve(layers: u32, nodes: u32, watched: u32): f32 {
  const tiles = (nodes + TILE_NODES - 1) / TILE_NODES;
  const planes: u32 = 1 << watched;
  for (let set: u32 = 0; set < planes; set++) clear(planeOf(set), layers, tiles);
  for (let i: u32 = 0; i < layers; i++) {
    for (let set: u32 = 0; set < planes; set++) {
      const plane = planeOf(set);
      const row = plane + <usize> i * ROW;
      const sources = i == 0 ? 0 : listSources(row + LEAVE, nodes);
      if (set == 0 && i == 0) memory.copy(row, ENTRY, <usize> nodes << 2);
      else if (sources > 0) {
        for (let tile: u32 = 0; tile < tiles; tile++) {
          if (mayStart(i, tile)) arrive(row, tile, sources);
        }
      }
      for (let k: u32 = 0; k < watched; k++) arriveWatched(i, set, k, nodes);
      for (let tile: u32 = 0; tile < tiles; tile++) {
        if (mayStart(i, tile)) leave(plane, i, tile, layers);
      }
    }
  }
  let least: f32 = Infinity;
  for (let set: u32 = 0; set < planes; set++) {
    const last = planeOf(set) + LEAVE + <usize> layers * ROW;
    for (let p: usize = 0; p < <usize> nodes << 2; p += 4) {
      least = min<f32>(least, load<f32>(last + p) + load<f32>(EXIT + p));
    }
  }
  return least;
}

function planeOf(set: u32): usize {
  return PLANES + <usize> set * PLANE_BYTES;
}

/** Makes every boundary of a plane unreached. */
function clear(plane: usize, layers: u32, tiles: u32): void {
  const none = f32x4.splat(Infinity);
  const bytes = <usize> tiles << 6;
  for (let i: u32 = 0; i <= layers; i++) {
    const row = plane + <usize> i * ROW;
    for (let p: usize = 0; p < bytes; p += 16) {
      v128.store(row + p, none);
      v128.store(row + LEAVE + p, none);
    }
  }
}

/** Lists the nodes that some stage leaves, in a row of the leave table. */
function listSources(row: usize, nodes: u32): u32 {
  let n: u32 = 0;
  for (let q: u32 = 0; q < nodes; q++) {
    if (!(load<f32>(row + (<usize> q << 2)) < Infinity)) continue;
    store<u32>(SOURCES + (<usize> n << 2), q);
    n++;
  }
  return n;
}

/** Arrival at watched node `k`: in its planes from the plane without it, in the others never. */
function arriveWatched(i: u32, set: u32, k: u32, nodes: u32): void {
  const p = load<u32>(WATCHED + (<usize> k << 2));
  let least: f32 = Infinity;
  const bit: u32 = 1 << k;
  if (set & bit) {
    const before = planeOf(set ^ bit) + LEAVE + <usize> i * ROW;
    const hop = HOP + (<usize> (p >> 4) << 16) + (<usize> (p & 15) << 2);
    if (i == 0) least = set == bit ? load<f32>(ENTRY + (<usize> p << 2)) : Infinity;
    else {
      for (let q: u32 = 0; q < nodes; q++) {
        least = min<f32>(
          least,
          load<f32>(before + (<usize> q << 2)) + load<f32>(hop + (<usize> q << 6)),
        );
      }
    }
  }
  store<f32>(planeOf(set) + <usize> i * ROW + (<usize> p << 2), least);
}

/** Whether some node of the tile may run layer `i`. */
function mayStart(i: u32, tile: u32): bool {
  const layer = i32x4.splat(i);
  let any = i32x4.splat(0);
  for (let part: usize = 0; part < 64; part += 16) {
    const p = (<usize> tile << 6) + part;
    any = v128.or(any, holds(layer, p));
  }
  return v128.any_true(any);
}

/** Nodes at `p` whose layers include `layer`. */
// @ts-ignore: decorator
@inline
function holds(layer: v128, p: usize): v128 {
  return v128.and(i32x4.le_u(v128.load(FIRST + p), layer), i32x4.gt_u(v128.load(END + p), layer));
}

/** Costs of reaching the nodes of a tile from any source of the same plane, at the row's boundary. */
function arrive(row: usize, tile: u32, sources: u32): void {
  const from = row + LEAVE;
  const hops = HOP + (<usize> tile << 16);
  let a = f32x4.splat(Infinity), b = a, c = a, d = a;
  const end = SOURCES + (<usize> sources << 2);
  for (let s = SOURCES; s < end; s += 4) {
    const q = <usize> load<u32>(s);
    const cost = v128.load32_splat(from + (q << 2));
    const hop = hops + (q << 6);
    a = f32x4.pmin(a, f32x4.add(cost, v128.load(hop)));
    b = f32x4.pmin(b, f32x4.add(cost, v128.load(hop, 16)));
    c = f32x4.pmin(c, f32x4.add(cost, v128.load(hop, 32)));
    d = f32x4.pmin(d, f32x4.add(cost, v128.load(hop, 48)));
  }
  const to = row + (<usize> tile << 6);
  v128.store(to, a);
  v128.store(to, b, 16);
  v128.store(to, c, 32);
  v128.store(to, d, 48);
}

/** Stages that begin at boundary `i` on the nodes of a tile: every end that they may have. */
function leave(plane: usize, i: u32, tile: u32, layers: u32): void {
  for (let part: usize = 0; part < 64; part += 16) {
    const p = (<usize> tile << 6) + part;
    const start = v128.load(plane + <usize> i * ROW + p);
    let open = v128.and(holds(i32x4.splat(i), p), f32x4.lt(start, f32x4.splat(Infinity)));
    const cost = v128.load(COST + p);
    const capacity = v128.load(CAPACITY + p);
    const end = v128.load(END + p);
    let to = plane + LEAVE + <usize> i * ROW + p;
    for (let j = i + 1; j <= layers; j++) {
      open = v128.and(
        open,
        v128.and(
          i32x4.ge_u(end, i32x4.splat(j)),
          i32x4.ge_u(capacity, i32x4.splat(memoryOf(i, j))),
        ),
      );
      if (!v128.any_true(open)) break;
      to += ROW;
      const work = load<f32>(WORK + (<usize> j << 2)) - load<f32>(WORK + (<usize> i << 2));
      const total = f32x4.add(start, f32x4.mul(cost, f32x4.splat(work)));
      const before = v128.load(to);
      v128.store(to, v128.bitselect(f32x4.pmin(before, total), before, open));
    }
  }
}

function memoryOf(i: u32, j: u32): u32 {
  return load<u32>(MEMORY + (<usize> j << 2)) - load<u32>(MEMORY + (<usize> i << 2));
}
