/**
 * The sampler in WASM (docs/NUMERIC_CLASS.md section 6).
 *
 * A call is synchronous and leaves nothing behind, so all samplers of a process share one small
 * memory that grows to the largest vocabulary.
 */
import { instantiateKernels, kernelMemory } from "./_module.ts";
import type { Kernels } from "./_module.ts";
import {
  checkedSamplerOptions,
  checkLogits,
  checkLogprobs,
  countHistory,
  largest,
} from "./sampler_options.ts";
import type {
  CheckedSamplerOptions,
  SamplePlace,
  Sampler,
  SamplerOptions,
  TokenLogprob,
} from "./sampler_options.ts";

/** The arrays of wasm/executor/sampler.ts, in bytes per token, and where they start. */
const basePtr = 4096;
const blockPtr = 2048;
const tokenBytes = { z: 8, w: 8, biases: 16, counts: 8, logits: 4, heap: 4, kept: 1 };

interface Bench {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
}

interface Places {
  readonly logits: number;
  readonly counts: number;
  readonly biases: number;
  readonly mask: number;
}

let shared: Bench | undefined;

/**
 * Makes a sampler. Equal options, logits, history and position give equal tokens everywhere.
 *
 * @throws {RangeError} naming the option that is out of range
 * @example
 * ```ts
 * const sampler = createSampler({ vocabularySize: 4, seed: 1, temperature: 0 });
 * sampler.sample(Float32Array.of(0, 3, 1, 2), { position: 0 }); // 1
 * ```
 */
export function createSampler(options: SamplerOptions): Sampler {
  return new WasmSampler(checkedSamplerOptions(options));
}

class WasmSampler implements Sampler {
  readonly #options: CheckedSamplerOptions;

  constructor(options: CheckedSamplerOptions) {
    this.#options = options;
  }

  sample(logits: Float32Array, place: SamplePlace): number {
    const options = this.#options;
    const counts = countHistory(options, logits, place);
    const { memory, kernels } = bench();
    const places = layOut({ memory, kernels }, options.vocabularySize);
    new Float32Array(memory.buffer, places.logits, logits.length).set(logits);
    const view = new DataView(memory.buffer);
    let at = places.counts;
    for (const [token, count] of counts) {
      view.setUint32(at, token, true);
      view.setUint32(at + 4, count, true);
      at += tokenBytes.counts;
    }
    at = places.biases;
    for (const [token, bias] of options.logitBias) {
      view.setUint32(at, token, true);
      view.setFloat64(at + 8, bias, true);
      at += tokenBytes.biases;
    }
    const { mask } = place;
    if (mask !== undefined) new Uint32Array(memory.buffer, places.mask, mask.length).set(mask);
    return kernels.sample(
      counts.size,
      options.logitBias.size,
      options.repeatPenalty,
      options.frequencyPenalty,
      options.presencePenalty,
      options.temperature,
      Math.min(options.topK, options.vocabularySize),
      options.topP,
      options.minP,
      options.seed >>> 0,
      Math.floor(options.seed / 2 ** 32),
      place.position,
      mask === undefined ? 0 : 1,
    );
  }

  logprobs(
    logits: Float32Array,
    token: number,
    topCount: number,
  ): { readonly chosen: TokenLogprob; readonly top: readonly TokenLogprob[] } {
    const { vocabularySize } = this.#options;
    checkLogits(logits, vocabularySize);
    checkLogprobs(token, topCount, vocabularySize);
    const { memory, kernels } = bench();
    const places = layOut({ memory, kernels }, vocabularySize);
    new Float32Array(memory.buffer, places.logits, logits.length).set(logits);
    const logSum = kernels.logSumExp();
    let most = -Infinity;
    for (const logit of logits) if (logit > most) most = logit;
    const logprobOf = (id: number): TokenLogprob => ({
      token: id,
      logprob: ((logits[id] ?? NaN) - most) - logSum,
    });
    return { chosen: logprobOf(token), top: largest(logits, topCount).map(logprobOf) };
  }
}

function bench(): Bench {
  if (shared !== undefined) return shared;
  const memory = kernelMemory(1);
  shared = { memory, kernels: instantiateKernels(memory) };
  return shared;
}

/** Places the arrays for a vocabulary, growing the memory when it is too small. */
function layOut({ memory, kernels }: Bench, vocabularySize: number): Places {
  const size = Math.ceil(vocabularySize / 8) * 8;
  let end = basePtr;
  const at = (bytes: number): number => (end += size * bytes) - size * bytes;
  const z = at(tokenBytes.z);
  const w = at(tokenBytes.w);
  const biases = at(tokenBytes.biases);
  const counts = at(tokenBytes.counts);
  const logits = at(tokenBytes.logits);
  const heap = at(tokenBytes.heap);
  const kept = at(tokenBytes.kept);
  const mask = Math.ceil(end / 4) * 4;
  end = mask + 4 * Math.ceil(vocabularySize / 32);
  const missing = end - memory.buffer.byteLength;
  if (missing > 0) memory.grow(Math.ceil(missing / 2 ** 16));
  kernels.placeSampler(vocabularySize, logits, z, w, heap, kept, counts, biases, blockPtr, mask);
  return { logits, counts, biases, mask };
}
