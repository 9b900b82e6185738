/**
 * Placement in plain TypeScript, at the same addresses as the WebAssembly kernel: its oracle in
 * tests, and its stand-in where an engine has no SIMD. One node and one boundary at a time.
 */
import {
  CAPACITY,
  cellIndex,
  COST,
  END,
  ENTRY,
  EXIT,
  FIRST,
  hopAddress,
  LEAVE,
  MEMORY,
  MEMORY_BYTES,
  WATCHED,
  WORK,
} from "./_placement_map.ts";
import type { PlacementKernel } from "./_placement_map.ts";

const f = Math.fround;

/** A kernel over memory of its own. */
export function placementTwin(): PlacementKernel {
  return new PlacementTwin();
}

class PlacementTwin implements PlacementKernel {
  readonly memory: { readonly buffer: ArrayBuffer } = { buffer: new ArrayBuffer(MEMORY_BYTES) };
  readonly #f32 = new Float32Array(this.memory.buffer);
  readonly #u32 = new Uint32Array(this.memory.buffer);

  solve(layers: number, nodes: number, watched: number): number {
    const planes = 2 ** watched;
    for (let plane = 0; plane < planes; plane++) this.#clear(plane, layers, nodes);
    for (let i = 0; i < layers; i++) {
      for (let plane = 0; plane < planes; plane++) {
        for (let p = 0; p < nodes; p++) {
          const start = this.#arrival({ plane, i, p, nodes, watched });
          this.#f32[cellIndex(plane, i, p)] = start;
          if (start < Infinity && this.#word(FIRST, p) <= i) this.#leave({ plane, i, p, layers });
        }
      }
    }
    let least = Infinity;
    for (let plane = 0; plane < planes; plane++) {
      for (let p = 0; p < nodes; p++) {
        const end = this.#f32[cellIndex(plane, layers, p) + LEAVE / 4] ?? Infinity;
        least = Math.min(least, f(end + this.#number(EXIT, p)));
      }
    }
    return least;
  }

  #clear(plane: number, layers: number, nodes: number): void {
    for (let i = 0; i <= layers; i++) {
      const at = cellIndex(plane, i, 0);
      this.#f32.fill(Infinity, at, at + nodes);
      this.#f32.fill(Infinity, at + LEAVE / 4, at + LEAVE / 4 + nodes);
    }
  }

  #arrival(step: {
    readonly plane: number;
    readonly i: number;
    readonly p: number;
    readonly nodes: number;
    readonly watched: number;
  }): number {
    const { plane, i, p, nodes, watched } = step;
    let from = plane;
    for (let k = 0; k < watched; k++) {
      if (this.#word(WATCHED, k) !== p) continue;
      if ((plane & (1 << k)) === 0) return Infinity;
      from = plane ^ (1 << k);
    }
    if (i === 0) return from === 0 ? this.#number(ENTRY, p) : Infinity;
    let least = Infinity;
    for (let q = 0; q < nodes; q++) {
      const leaving = this.#f32[cellIndex(from, i, q) + LEAVE / 4] ?? Infinity;
      least = Math.min(least, f(leaving + (this.#f32[hopAddress(q, p) / 4] ?? Infinity)));
    }
    return least;
  }

  #leave(step: {
    readonly plane: number;
    readonly i: number;
    readonly p: number;
    readonly layers: number;
  }): void {
    const { plane, i, p, layers } = step;
    const start = this.#f32[cellIndex(plane, i, p)] ?? Infinity;
    for (let j = i + 1; j <= Math.min(layers, this.#word(END, p)); j++) {
      const memory = this.#word(MEMORY, j) - this.#word(MEMORY, i);
      if (memory > this.#word(CAPACITY, p)) break;
      const work = f(this.#number(WORK, j) - this.#number(WORK, i));
      const total = f(start + f(this.#number(COST, p) * work));
      const at = cellIndex(plane, j, p) + LEAVE / 4;
      this.#f32[at] = Math.min(this.#f32[at] ?? Infinity, total);
    }
  }

  #number(base: number, index: number): number {
    return this.#f32[base / 4 + index] ?? 0;
  }

  #word(base: number, index: number): number {
    return this.#u32[base / 4 + index] ?? 0;
  }
}
