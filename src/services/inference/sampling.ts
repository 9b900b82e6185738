/** How a request's sampling becomes the sampler's options. */
import type { SamplerOptions } from "../../engine/mod.ts";
import type { GenerateParams } from "./schemas.ts";

/** What of a request chooses its tokens. */
export interface Sampling {
  readonly sampling: GenerateParams["sampling"];
  readonly seed: number;
}

/** The sampler's options. */
export function samplerOptions(
  { sampling, seed }: Sampling,
  vocabularySize: number,
): SamplerOptions {
  const { logitBias, ...others } = sampling;
  const bias = new Map(Object.entries(logitBias).map(([id, value]) => [Number(id), value]));
  // The sampler has no top_p of 0; what it would keep is the likeliest token.
  const narrowest = others.topP === 0 ? { topP: 1, topK: 1 } : {};
  return { ...others, ...narrowest, logitBias: bias, seed, vocabularySize };
}

/** Whether the tokens so far matter for the choice of the next one. */
export function penalises({ sampling }: Pick<Sampling, "sampling">): boolean {
  return sampling.repeatPenalty !== 1 || sampling.frequencyPenalty !== 0 ||
    sampling.presencePenalty !== 0;
}
