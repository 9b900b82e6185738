/**
 * Options of a sampler, and their checks. Names and order: docs/NUMERIC_CLASS.md section 6.
 */

/** How to choose the next token; every field has a value that asks for nothing. */
export interface SamplerOptions {
  /** Tokens in the vocabulary, 1 to 2^24. */
  readonly vocabularySize: number;
  /** Integer from 0 to 2^53 - 1. */
  readonly seed: number;
  /** At least 0; 0 takes the likeliest token. @default 1 */
  readonly temperature?: number;
  /** Keeps so many of the likeliest tokens; an integer, 0 is off. @default 0 */
  readonly topK?: number;
  /** Keeps the likeliest tokens that reach this share, above 0 to 1; 1 is off. @default 1 */
  readonly topP?: number;
  /** Keeps tokens of at least this share of the likeliest's probability, 0 to 1. @default 0 */
  readonly minP?: number;
  /** Divides (negative: multiplies) logits of tokens so far; 1e-6 to 1e6, 1 is off. @default 1 */
  readonly repeatPenalty?: number;
  /** Subtracted from a logit per occurrence so far; within 1e9 of 0, which is off. @default 0 */
  readonly frequencyPenalty?: number;
  /** Subtracted once from the logits of tokens so far; within 1e9 of 0, which is off. @default 0 */
  readonly presencePenalty?: number;
  /** Added to the logits of the given tokens; within 1e9 of 0. @default none */
  readonly logitBias?: ReadonlyMap<number, number>;
}

/** Options with nothing left open. */
export type CheckedSamplerOptions = Required<SamplerOptions>;

/** The log-probability of a token, from the raw logits. */
export interface TokenLogprob {
  readonly token: number;
  /** Natural logarithm; at most 0 but for rounding. */
  readonly logprob: number;
}

/** Where a token is sampled, and what bears on it. */
export interface SamplePlace {
  /** Absolute index that the sampled token will have, below 2^32. */
  readonly position: number;
  /** The token ids that penalties look at, oldest first. @default none */
  readonly history?: readonly number[];
  /**
   * Tokens that may be sampled: token `i` by bit `i % 32` of word `i >> 5`, with a word for every 32
   * tokens of the vocabulary. @default undefined: all
   */
  readonly mask?: Uint32Array | undefined;
}

/** Chooses tokens; holds no state between calls, so a position can be sampled again. */
export interface Sampler {
  /**
   * Samples the token of a position.
   *
   * @param logits finite, one per token
   * @throws {RangeError} when a length, an id or the position is out of range, or no token is allowed
   */
  sample(logits: Float32Array, place: SamplePlace): number;
  /**
   * Log-probabilities from the raw logits, before any penalty or temperature.
   *
   * @param topCount how many of the likeliest to list (ties by id); at most the vocabulary
   */
  logprobs(
    logits: Float32Array,
    token: number,
    topCount: number,
  ): { readonly chosen: TokenLogprob; readonly top: readonly TokenLogprob[] };
}

const vocabularySizeMax = 2 ** 24;

/** Fills in defaults. @throws {RangeError} naming the option that is out of range */
export function checkedSamplerOptions(options: SamplerOptions): CheckedSamplerOptions {
  const checked = {
    ...options,
    temperature: options.temperature ?? 1,
    topK: options.topK ?? 0,
    topP: options.topP ?? 1,
    minP: options.minP ?? 0,
    repeatPenalty: options.repeatPenalty ?? 1,
    frequencyPenalty: options.frequencyPenalty ?? 0,
    presencePenalty: options.presencePenalty ?? 0,
    logitBias: options.logitBias ?? new Map<number, number>(),
  };
  const size = checked.vocabularySize;
  for (const [name, { rule, holds }] of Object.entries(rules)) {
    const value = checked[name as keyof typeof rules];
    check(holds(value), name, { value, rule });
  }
  for (const [token, bias] of checked.logitBias) {
    check(isId(token, size), "logitBias", { value: token, rule: `of tokens below ${size}` });
    check(isShift(bias), "logitBias", { value: bias, rule: "from -1e9 to 1e9" });
  }
  return checked;
}

const rules = {
  vocabularySize: {
    rule: `an integer from 1 to ${vocabularySizeMax}`,
    holds: (value: number): boolean => isCount(value, 1) && value <= vocabularySizeMax,
  },
  seed: {
    rule: "an integer from 0 to 2^53 - 1",
    holds: (value: number): boolean => isCount(value, 0),
  },
  temperature: {
    rule: "finite and at least 0",
    holds: (value: number): boolean => isWithin(value, 0),
  },
  topK: { rule: "an integer of at least 0", holds: (value: number): boolean => isCount(value, 0) },
  topP: {
    rule: "above 0 and at most 1",
    holds: (value: number): boolean => isWithin(value, 0, 1) && value > 0,
  },
  minP: { rule: "from 0 to 1", holds: (value: number): boolean => isWithin(value, 0, 1) },
  repeatPenalty: {
    rule: "from 1e-6 to 1e6",
    holds: (value: number): boolean => isWithin(value, 1e-6, 1e6),
  },
  frequencyPenalty: { rule: "from -1e9 to 1e9", holds: isShift },
  presencePenalty: { rule: "from -1e9 to 1e9", holds: isShift },
} as const;

/** Checks the arguments of `sample` and counts the history's tokens, in order of first use. */
export function countHistory(
  { vocabularySize }: CheckedSamplerOptions,
  logits: Float32Array,
  { history = [], position, mask }: SamplePlace,
): Map<number, number> {
  checkLogits(logits, vocabularySize);
  checkPosition(position);
  if (mask !== undefined) checkMask(mask, vocabularySize);
  const counts = new Map<number, number>();
  for (const token of history) {
    if (!isId(token, vocabularySize)) {
      throw new RangeError(
        `Cannot sample as history tokens must be below ${vocabularySize}: one is ${token}`,
      );
    }
    counts.set(token, (counts.get(token) ?? 0) + 1);
  }
  return counts;
}

/** @throws {RangeError} when there is not one finite logit per token */
export function checkLogits(logits: Float32Array, vocabularySize: number): void {
  if (logits.length !== vocabularySize) {
    throw new RangeError(
      `Cannot sample as there must be ${vocabularySize} logits: current count is ${logits.length}`,
    );
  }
  // The sum is finite when all are, unless it overflows; looking at each takes milliseconds.
  let sum = 0;
  for (let i = 0; i < vocabularySize; i++) sum += logits[i] ?? NaN;
  if (Number.isFinite(sum)) return;
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad >= 0) {
    throw new RangeError(
      `Cannot sample as logits must be finite: that of token ${bad} is ${logits[bad]}`,
    );
  }
}

/** Whether a mask allows a token. */
export function isAllowed(mask: Uint32Array, token: number): boolean {
  return (((mask[token >> 5] ?? 0) >>> (token & 31)) & 1) === 1;
}

function checkMask(mask: Uint32Array, vocabularySize: number): void {
  const words = Math.ceil(vocabularySize / 32);
  if (mask.length !== words) {
    throw new RangeError(
      `Cannot sample as the mask must have ${words} words: current count is ${mask.length}`,
    );
  }
  const rest = vocabularySize % 32;
  const last = (mask[words - 1] ?? 0) & (rest === 0 ? -1 : 2 ** rest - 1);
  if (last !== 0 || mask.some((word, at) => word !== 0 && at < words - 1)) return;
  throw new RangeError("Cannot sample as the mask must allow a token: it allows none");
}

function checkPosition(position: number): void {
  if (isCount(position, 0) && position < 2 ** 32) return;
  throw new RangeError(
    `Cannot sample as "position" must be an integer below 2^32: current value is ${position}`,
  );
}

/** @throws {RangeError} when the token or the count does not fit the vocabulary */
export function checkLogprobs(token: number, topCount: number, vocabularySize: number): void {
  check(isId(token, vocabularySize), "token", {
    value: token,
    rule: `an id below ${vocabularySize}`,
  });
  check(isCount(topCount, 0) && topCount <= vocabularySize, "topCount", {
    value: topCount,
    rule: `an integer from 0 to ${vocabularySize}`,
  });
}

/** The `topCount` largest logits' ids, equals by id ascending. */
export function largest(logits: Float32Array, topCount: number): number[] {
  const best: number[] = [];
  const value = (token: number | undefined): number => logits[token ?? 0] ?? NaN;
  for (let token = 0; topCount > 0 && token < logits.length; token++) {
    if (best.length === topCount && !(value(token) > value(best.at(-1)))) continue;
    let at = best.length;
    while (at > 0 && value(token) > value(best[at - 1])) at--;
    best.splice(at, 0, token);
    if (best.length > topCount) best.pop();
  }
  return best;
}

interface Rule {
  readonly value: number;
  readonly rule: string;
}

function check(holds: boolean, name: string, { value, rule }: Rule): void {
  if (holds) return;
  throw new RangeError(`Cannot sample as "${name}" must be ${rule}: current value is ${value}`);
}

function isId(value: number, vocabularySize: number): boolean {
  return isCount(value, 0) && value < vocabularySize;
}

function isCount(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

/** Shifts are bounded so that no logit, shifted, is infinite. */
function isShift(value: number): boolean {
  return isWithin(value, -1e9, 1e9);
}

function isWithin(value: number, least: number, most = Number.MAX_VALUE): boolean {
  return value >= least && value <= most;
}
