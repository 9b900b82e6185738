/**
 * The hyperparameters of a transformer, as the executor needs them. Types only.
 */

import type { Architecture, Family } from "./family.ts";

/** Extents and constants of one model; every count is a positive integer. */
export interface ModelShape {
  /** GGUF's `general.architecture`. */
  readonly architecture: Architecture;
  /** Number of transformer blocks. */
  readonly layerCount: number;
  /** Width of the hidden state (embedding length). */
  readonly width: number;
  /** Width of the feed-forward network. */
  readonly ffnWidth: number;
  /** Query heads; `headCount * headWidth` may differ from `width`. */
  readonly headCount: number;
  /** Key and value heads; divides `headCount`. */
  readonly kvHeadCount: number;
  /** Width of one head. */
  readonly headWidth: number;
  /** How many leading elements of a head are rotated; even, at most `headWidth`. */
  readonly ropeWidth: number;
  /** Epsilon of the RMS norms, as f32. */
  readonly normEpsilon: number;
  /** Rows of the embedding and of the head. */
  readonly vocabularySize: number;
  /** Positions that the model was trained for. */
  readonly contextMax: number;
  /** Whether the head reuses the embedding matrix (no `output.weight` in the file). */
  readonly tiedOutput: boolean;
  /** What sets the model's family apart. */
  readonly family: Family;
}
