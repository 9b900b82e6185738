/**
 * How much a row of a batch costs, in multiply-adds of products: what steps are planned by.
 */
import type { ModelShape } from "../../model/mod.ts";

/**
 * What one multiply-add of attention costs, in multiply-adds of products: it is f32 over keys and
 * values that no other row shares, where products are integers over weights that all rows share.
 * Measured times correct what is wrong with it.
 */
const attentionWeight = 3;

/** Consecutive positions of one sequence. */
export interface RowRange {
  readonly firstPosition: number;
  readonly rows: number;
  /** Rows whose logits are computed too. */
  readonly logitRows: number;
}

/** Consecutive layers. */
export interface LayerRange {
  readonly from: number;
  /** The first that is not among them. */
  readonly to: number;
}

/** Predicts the work of rows of one model. */
export class WorkModel {
  /** Of one layer, attention not counted. */
  readonly #layerWork: number;
  readonly #headWork: number;
  readonly #attentionWork: number;
  /** The window that each layer sees; 0 is all. */
  readonly #windows: readonly number[];

  constructor(shape: ModelShape) {
    const { width, ffnWidth, headCount, kvHeadCount, headWidth, layerCount, family } = shape;
    const attention = width * headWidth * (2 * headCount + 2 * kvHeadCount);
    this.#layerWork = attention + width * ffnWidth * (family.gated ? 3 : 2);
    this.#headWork = width * shape.vocabularySize;
    this.#attentionWork = 2 * headCount * headWidth * attentionWeight;
    this.#windows = Array.from(
      { length: layerCount },
      (_, layer) => family.layers[layer]?.window ?? 0,
    );
  }

  /** The work of a range of rows; it grows with `rows` and with `firstPosition`. */
  of({ firstPosition, rows, logitRows }: RowRange): number {
    const all = { from: 0, to: this.#windows.length };
    return logitRows * this.#headWork + this.ofLayers(all, { firstPosition, rows });
  }

  /** The work of a range of rows in some layers. */
  ofLayers(
    { from, to }: LayerRange,
    { firstPosition, rows }: { readonly firstPosition: number; readonly rows: number },
  ): number {
    let visible = 0;
    for (let layer = from; layer < to; layer++) {
      visible += visiblePositions(firstPosition, rows, this.#windows[layer] ?? 0);
    }
    return (to - from) * rows * this.#layerWork + visible * this.#attentionWork;
  }

  /** How many rows from `firstPosition` on fit in `work`, at most `rowsMax`; logits not counted. */
  rowsWithin(work: number, options: { firstPosition: number; rowsMax: number }): number {
    const { firstPosition, rowsMax } = options;
    let [fits, tooMany] = [0, rowsMax + 1];
    while (tooMany - fits > 1) {
      const rows = (fits + tooMany) >> 1;
      if (this.of({ firstPosition, rows, logitRows: 0 }) <= work) fits = rows;
      else tooMany = rows;
    }
    return fits;
  }
}

/** The sum over rows of the positions that each of them sees. */
function visiblePositions(first: number, rows: number, window: number): number {
  const growing = window === 0 ? rows : Math.min(rows, Math.max(0, window - first));
  const sum = growing * first + (growing * (growing + 1)) / 2;
  return sum + (rows - growing) * window;
}
