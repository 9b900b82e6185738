/**
 * The reference sampler: docs/NUMERIC_CLASS.md section 6 in plain TypeScript.
 */
import {
  checkedSamplerOptions,
  checkLogits,
  checkLogprobs,
  countHistory,
  isAllowed,
  largest,
} from "../sampler_options.ts";
import type {
  CheckedSamplerOptions,
  SamplePlace,
  Sampler,
  SamplerOptions,
  TokenLogprob,
} from "../sampler_options.ts";
import { exp, log } from "./functions.ts";
import { philox } from "./philox.ts";

/**
 * Makes a reference sampler; it agrees with `createSampler` in every token.
 *
 * @throws {RangeError} naming the option that is out of range
 */
export function createReferenceSampler(options: SamplerOptions): Sampler {
  const checked = checkedSamplerOptions(options);
  return {
    sample: (logits: Float32Array, place: SamplePlace): number =>
      choose(checked, adjusted(checked, logits, place), place),
    logprobs: (
      logits: Float32Array,
      token: number,
      topCount: number,
    ): { readonly chosen: TokenLogprob; readonly top: readonly TokenLogprob[] } => {
      checkLogits(logits, checked.vocabularySize);
      checkLogprobs(token, topCount, checked.vocabularySize);
      const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
      const logSum = log(logits.reduce((sum, value) => sum + exp(value - most), 0));
      const of = (id: number): TokenLogprob => ({
        token: id,
        logprob: ((logits[id] ?? NaN) - most) - logSum,
      });
      return { chosen: of(token), top: largest(logits, topCount).map(of) };
    },
  };
}

/** Steps 1 and 2. */
function adjusted(
  options: CheckedSamplerOptions,
  logits: Float32Array,
  place: SamplePlace,
): Float64Array {
  const { repeatPenalty, frequencyPenalty, presencePenalty, logitBias } = options;
  const z = Float64Array.from(logits);
  for (const [token, count] of countHistory(options, logits, place)) {
    let value = z[token] ?? NaN;
    if (repeatPenalty !== 1) value = value > 0 ? value / repeatPenalty : value * repeatPenalty;
    z[token] = (value - count * frequencyPenalty) - presencePenalty;
  }
  for (const [token, bias] of logitBias) z[token] = (z[token] ?? NaN) + bias;
  return z;
}

/** Steps 3 to 8. */
function choose(
  options: CheckedSamplerOptions,
  z: Float64Array,
  { position, mask }: SamplePlace,
): number {
  const { temperature, topK, topP, minP, seed } = options;
  const ids = [...z.keys()].filter((id) => mask === undefined || isAllowed(mask, id));
  const zOf = (id: number): number => z[id] ?? NaN;
  const ranking = ids.toSorted((a, b) => zOf(b) - zOf(a) || a - b);
  const best = ranking[0] ?? 0;
  if (temperature === 0 || topK === 1) return best;
  const w = z.map((value) => exp((value - zOf(best)) / temperature));
  const wOf = (id: number): number => w[id] ?? NaN;
  const mass = (kept: ReadonlySet<number>): number =>
    ids.reduce((sum, id) => kept.has(id) ? sum + wOf(id) : sum, 0);
  let kept = new Set(topK > 0 ? ranking.slice(0, topK) : ranking);
  if (topP < 1) {
    const goal = topP * mass(kept);
    const order = ranking.filter((id) => kept.has(id));
    let sum = 0;
    const enough = order.findIndex((id) => (sum += wOf(id)) >= goal);
    kept = new Set(enough < 0 ? order : order.slice(0, enough + 1));
  }
  if (minP > 0) kept = new Set([...kept].filter((id) => wOf(id) >= minP));
  const goal = uniform(seed, position) * mass(kept);
  const survivors = ids.filter((id) => kept.has(id));
  let sum = 0;
  return survivors.find((id) => (sum += wOf(id)) > goal) ?? survivors.at(-1) ?? best;
}

function uniform(seed: number, position: number): number {
  const key = [seed >>> 0, Math.floor(seed / 4294967296)] as const;
  const [r0, r1] = philox([position, 0, 0, 0], key);
  return ((r0 >>> 5) * 67108864 + (r1 >>> 6)) / 9007199254740992;
}
