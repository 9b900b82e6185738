/**
 * Sessions of the reference executor: one array of rows per layer, on the heap.
 */
import { LayerCounts } from "../_layer_counts.ts";
import { EngineError } from "../errors.ts";
import type { LayerRange, Session } from "../face.ts";

interface Rows {
  readonly keys: Float32Array[];
  readonly values: Float32Array[];
}

/** A reference session; rows are never changed once written, so a fork shares them. */
export class ReferenceSession implements Session {
  readonly #held: LayerRange;
  readonly #counts: LayerCounts;
  readonly #layers: Rows[];
  #dropped = false;

  /** An empty session, or (for `fork`) one that starts with the given state. */
  constructor(held: LayerRange, state?: { counts: LayerCounts; layers: Rows[] }) {
    this.#held = held;
    this.#counts = state?.counts ?? new LayerCounts(held);
    this.#layers = state?.layers ??
      Array.from({ length: held.to - held.from }, () => ({ keys: [], values: [] }));
  }

  /** Narrows a session of the face. @throws {TypeError} when another executor made it */
  static of(session: Session): ReferenceSession {
    if (session instanceof ReferenceSession) return session;
    throw new TypeError("Cannot use the session as another kind of executor opened it");
  }

  /** Positions per layer. @throws {EngineError} "closed" after `drop` */
  get counts(): LayerCounts {
    this.#assertOpen();
    return this.#counts;
  }

  get positionCount(): number {
    return this.counts.low();
  }

  truncate(positionCount: number): void {
    this.counts.truncate(positionCount);
    for (const { keys, values } of this.#layers) {
      keys.length = positionCount;
      values.length = positionCount;
    }
  }

  fork(): Session {
    const counts = this.counts.copy();
    const layers = this.#layers.map(({ keys, values }) => ({
      keys: keys.slice(),
      values: values.slice(),
    }));
    return new ReferenceSession(this.#held, { counts, layers });
  }

  drop(): void {
    this.#dropped = true;
  }

  /** Stores the key and value of a position (all heads). */
  write(layer: number, position: number, row: { key: Float32Array; value: Float32Array }): void {
    const rows = this.#layers[layer - this.#held.from];
    if (rows === undefined) return;
    rows.keys[position] = row.key;
    rows.values[position] = row.value;
  }

  /** The first `count` positions' keys and values. */
  read(layer: number, count: number): Rows {
    const rows = this.#layers[layer - this.#held.from];
    return {
      keys: rows?.keys.slice(0, count) ?? [],
      values: rows?.values.slice(0, count) ?? [],
    };
  }

  #assertOpen(): void {
    if (this.#dropped) {
      throw new EngineError({
        code: "closed",
        message: "Cannot use the session as it was dropped",
      });
    }
  }
}
