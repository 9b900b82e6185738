/** A session of an executor of several memories: one session in each of them. */
import { LayerCounts } from "./_layer_counts.ts";
import type { PagedSession } from "./_session.ts";
import { EngineError } from "./errors.ts";
import type { LayerRange, Session } from "./face.ts";

/** Sessions of the parts, which hold the same positions whenever nothing is computed. */
export class ChainedSession implements Session {
  readonly parts: readonly PagedSession[];
  readonly #layers: readonly LayerRange[];
  /** Set by the executor while it computes the session. */
  isComputing = false;

  /** @param layers what each of `parts` holds */
  constructor(parts: readonly PagedSession[], layers: readonly LayerRange[]) {
    this.parts = parts;
    this.#layers = layers;
  }

  /** Narrows a session of the face. @throws {TypeError} when another executor opened it */
  static of(session: Session, layers: readonly LayerRange[]): ChainedSession {
    if (session instanceof ChainedSession && session.#layers === layers) return session;
    throw new TypeError("Cannot use the session as another executor opened it");
  }

  /** Positions of every layer. @throws {EngineError} "closed" after `drop` */
  get counts(): LayerCounts {
    const held = { from: this.#layers[0]?.from ?? 0, to: this.#layers.at(-1)?.to ?? 0 };
    const counts = new LayerCounts(held);
    this.parts.forEach((part, i) => {
      const { from, to } = this.#layers[i] ?? held;
      for (let layer = from; layer < to; layer++) {
        counts.set({ from: layer, to: layer + 1 }, part.counts.low(layer, layer + 1));
      }
    });
    return counts;
  }

  get positionCount(): number {
    return Math.min(...this.parts.map((part) => part.positionCount));
  }

  truncate(positionCount: number): void {
    this.#assertIdle("truncate");
    // The one that holds least knows whether the number is one that the session holds.
    const byCount = this.parts.toSorted((a, b) => a.positionCount - b.positionCount);
    for (const part of byCount) part.truncate(positionCount);
  }

  /** Forgets what a failed call wrote: positions from `count` on, in some layers. */
  forget(layers: LayerRange, count: number): void {
    for (const [i, part] of this.parts.entries()) {
      const held = this.#layers[i] ?? layers;
      const from = Math.max(layers.from, held.from);
      const to = Math.min(layers.to, held.to);
      if (from < to) part.forget({ from, to }, count);
    }
  }

  fork(): ChainedSession {
    this.#assertIdle("fork");
    return new ChainedSession(this.parts.map((part) => part.fork()), this.#layers);
  }

  drop(): void {
    for (const part of this.parts) part.drop();
  }

  #assertIdle(verb: string): void {
    if (!this.isComputing) return;
    throw new EngineError({
      code: "busy",
      message: `Cannot ${verb} the session as a pass is computing it`,
    });
  }
}
