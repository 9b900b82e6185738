/**
 * How many rows of a deep prompt pass how many layers between two steps.
 *
 * Rows that pass together share what is read, and each call costs something by itself, so the time
 * is no multiple of the rows: as many as can be pass together, as long as one layer of them is in
 * time. That number is found by trying.
 */
import { layeredRowsMax } from "./limits.ts";

/** Share of a new sample in the mean. */
const sampleShare = 0.25;

/** A sample counts as at most so many times the mean. */
const outlierFactor = 4;

/** Beside other work a layer may seem to cost nothing. */
const msMin = 0.05;

/** Adapts to the times that are seen. */
export class LayerPace {
  #rows = layeredRowsMax;
  #msPerLayer: number | undefined;
  /** Layers of the last call. */
  #layers = 0;

  /** Rows of the next chunk. */
  get rows(): number {
    return this.#rows;
  }

  /** Layers that take about `ms`, at least 1; never many more than the last time. */
  layers(ms: number): number {
    if (this.#msPerLayer === undefined) return 1;
    return Math.max(1, Math.min(2 * this.#layers + 1, Math.floor(ms / this.#msPerLayer)));
  }

  /** Learns that `layers` added `ms`, at least 0, with the rows that were asked for. */
  observe(layers: number, ms: number): void {
    this.#layers = layers;
    const sample = Math.max(msMin, ms / layers);
    const before = this.#msPerLayer ?? sample;
    const bounded = Math.min(sample, before * outlierFactor);
    this.#msPerLayer = before + (bounded - before) * sampleShare;
  }

  /** Fits the rows of the next chunk to what one layer may take; call it when a chunk is done. */
  fit(ms: number): void {
    if (this.#msPerLayer === undefined) return;
    if (this.#msPerLayer > ms && this.#rows > 1) {
      this.#rows >>= 1;
      this.#msPerLayer *= 0.6;
    } else if (this.#msPerLayer * 2 < ms && this.#rows < layeredRowsMax) {
      this.#rows *= 2;
      this.#msPerLayer *= 1.8;
    }
  }
}
