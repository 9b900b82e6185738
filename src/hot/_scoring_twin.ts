/**
 * Candidate scoring in plain TypeScript, at the same addresses as the WebAssembly kernel: its oracle
 * in tests, and its stand-in where an engine has no SIMD. Each operation is rounded to f32, and the
 * best are found by sorting all.
 */
import {
  COLUMN_BYTES,
  COLUMNS,
  EXCLUDED,
  INDEXES,
  MEMORY_BYTES,
  NEED,
  SCORES,
  WEIGHTS,
} from "./_scoring_map.ts";
import type { ScoringKernel } from "./_scoring_map.ts";

const f = Math.fround;

/** Coefficients of log2's polynomial on [1, 2], highest power first. */
const LOG2 = [-0.0816158057, 0.645142365, -2.12067513, 4.07009079, -2.51285462].map(f);
const PER_MS = f(0.005);
const PER_SECOND = f(0.000277777785);

/** A kernel over memory of its own. */
export function scoringTwin(): ScoringKernel {
  return new ScoringTwin();
}

class ScoringTwin implements ScoringKernel {
  readonly memory: { readonly buffer: ArrayBuffer } = { buffer: new ArrayBuffer(MEMORY_BYTES) };
  readonly #view = new DataView(this.memory.buffer);

  best(count: number, most: number): number {
    const found: { readonly index: number; readonly score: number }[] = [];
    for (let index = 0; index < count; index++) {
      const excluded = this.#view.getUint8(EXCLUDED + (index >> 3)) >> (index & 7) & 1;
      const spare = f(this.#column(0, index) - this.#f32(NEED));
      const score = this.#score(index, spare);
      if (excluded === 0 && spare >= 0 && score > -Infinity) found.push({ index, score });
    }
    found.sort((a, b) => b.score - a.score || a.index - b.index);
    for (const [i, { index, score }] of found.slice(0, most).entries()) {
      this.#view.setFloat32(SCORES + 4 * i, score, true);
      this.#view.setUint32(INDEXES + 4 * i, index, true);
    }
    return Math.min(most, found.length);
  }

  #score(index: number, spare: number): number {
    const terms = [
      clamp(f(spare * this.#f32(NEED + 4)), 0),
      log2(f(this.#column(1, index) + 1)),
      f(1 / this.#column(2, index)),
      clamp(f(1 - f(this.#column(3, index) * PER_MS)), 0),
      clamp(f(log2(f(this.#column(4, index) + 1)) * f(0.0625)), 0),
      f(1 / f(f(this.#column(5, index) * PER_SECOND) + 1)),
      clamp(this.#column(6, index), -1),
      this.#column(7, index),
    ];
    const products = terms.map((term, i) => f(term * this.#f32(WEIGHTS + 4 * i)));
    return products.slice(1).reduce((sum, product) => f(sum + product), products[0] ?? 0);
  }

  #column(column: number, index: number): number {
    return this.#f32(COLUMNS + column * COLUMN_BYTES + 4 * index);
  }

  #f32(at: number): number {
    return this.#view.getFloat32(at, true);
  }
}

const bits = new DataView(new ArrayBuffer(4));

function log2(x: number): number {
  bits.setFloat32(0, x);
  const word = bits.getUint32(0);
  bits.setUint32(0, word & 0x7fffff | 0x3f800000);
  const m = bits.getFloat32(0);
  const power = LOG2.slice(1).reduce((p, coefficient) => f(f(p * m) + coefficient), LOG2[0] ?? 0);
  return f(f(power + ((word >>> 23) - 127)) + f(x - x));
}

/** As the kernel's pseudo-minimum and -maximum: the second operand wins only by a true comparison. */
function clamp(x: number, low: number): number {
  const raised = low < x ? x : low;
  return raised < 1 ? raised : 1;
}
