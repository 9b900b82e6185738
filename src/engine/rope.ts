/**
 * Tables of rotary frequencies (docs/NUMERIC_CLASS.md section 5.2).
 *
 * A table is computed once for a model, here, in f64 and with the class's own functions, whatever
 * executor rotates by it. YaRN's ramp is llama.cpp's.
 */
import type { Rope, Yarn } from "../model/mod.ts";
import { EngineError } from "./errors.ts";
import { exp, log } from "./reference/functions.ts";

/** Beyond it an angle would leave the range in which `sin` and `cos` are exact. */
const FREQUENCY_MAX = 2;
const PI = 3.141592653589793;
const RAMP_LEAST = 0.001;

/**
 * The frequencies of `ropeWidth / 2` pairs, in radians per position.
 *
 * @param options `factors` are the values of `rope.factorsTensor`, where it names one
 * @throws {EngineError} "not-a-number" when a frequency is beyond 2 or none at all
 * @throws {RangeError} when `factors` has another length than the table
 */
export function ropeFrequencies(
  rope: Rope,
  options: { readonly ropeWidth: number; readonly factors?: Float32Array | undefined },
): Float64Array<ArrayBuffer> {
  const { base, frequencyScale, yarn, factorsTensor } = rope;
  const { ropeWidth, factors } = options;
  const table = new Float64Array(ropeWidth / 2);
  if ((factors !== undefined || factorsTensor !== undefined) && factors?.length !== table.length) {
    throw new RangeError(
      `Cannot scale frequencies as there must be ${table.length} factors: current count is ${
        factors?.length ?? 0
      }`,
    );
  }
  const ramp = yarn === undefined ? undefined : new Ramp(yarn, { base, ropeWidth });
  for (let i = 0; i < table.length; i++) {
    let frequency = exp(-((2 * i) / ropeWidth) * log(base));
    if (factors !== undefined) frequency /= factors[i] ?? NaN;
    const scaled = frequency * frequencyScale;
    const mix = ramp?.mix(i);
    table[i] = mix === undefined ? scaled : scaled * (1 - mix) + frequency * mix;
  }
  const bad = table.find((frequency) => !(Math.abs(frequency) <= FREQUENCY_MAX));
  if (bad === undefined) return table;
  throw new EngineError({
    code: "not-a-number",
    ...(factorsTensor === undefined ? {} : { tensor: factorsTensor }),
    message:
      `Cannot rotate by a frequency as it must be at most ${FREQUENCY_MAX} radians per position: it is ${bad}`,
  });
}

/** Which share of a pair's frequency is kept rather than scaled. */
class Ramp {
  readonly #low: number;
  readonly #extent: number;
  readonly #extrapolation: number;

  constructor(yarn: Yarn, { base, ropeWidth }: { base: number; ropeWidth: number }) {
    const bound = (rotations: number): number => {
      return (ropeWidth * log(yarn.originalContext / ((rotations * 2) * PI))) / (2 * log(base));
    };
    this.#low = Math.max(0, Math.floor(bound(yarn.betaFast)));
    const high = Math.min(ropeWidth - 1, Math.ceil(bound(yarn.betaSlow)));
    this.#extent = Math.max(RAMP_LEAST, high - this.#low);
    this.#extrapolation = yarn.extrapolation;
  }

  mix(i: number): number {
    const y = (i - this.#low) / this.#extent;
    return (1 - Math.min(1, Math.max(0, y))) * this.#extrapolation;
  }
}
