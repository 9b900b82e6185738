/**
 * Rotary frequencies from a file's keys: plain, linear, YaRN, and vectors of factors.
 *
 * Keys and defaults are llama.cpp's (`<architecture>.rope.*`).
 */
import { plainRope } from "../family.ts";
import type { Rope, Yarn } from "../family.ts";
import { CONTEXT_MAX, ROPE_BASE_MAX, ROPE_FACTOR_MAX } from "../limits.ts";
import { showValue } from "../_keys.ts";
import { longAndShortFactors } from "../weight_places.ts";
import type { ArchitectureKeys, Extents } from "./family_reader.ts";

/** Base frequency where a file names none, as llama.cpp assumes. */
const BASE_DEFAULT = 10_000;
/** Rotations at which YaRN's ramp begins and ends, as llama.cpp and the paper have them. */
const BETA_FAST_DEFAULT = 32;
const BETA_SLOW_DEFAULT = 1;
const BETA_MIN = 1 / 1024;
const BETA_MAX = 65_536;
/** A smaller factor would turn angles beyond the range in which sines are exact. */
const FACTOR_MIN = 0.5;
const SCALING_TYPES = ["none", "linear", "yarn", "longrope"];

/**
 * Reads the table of frequencies that all layers share.
 *
 * A model with long and short factors takes the long ones when its own context is longer than the
 * one that it was first trained for, whatever context it is run with: the bits of a position
 * depend on the model and on nothing else.
 *
 * @throws {ModelError} `unsupported-feature` for another kind of scaling
 */
export function readRope(keys: ArchitectureKeys, { contextMax }: Extents): Rope {
  const rope = plainRope(readRopeBase(keys, "rope.freq_base") ?? BASE_DEFAULT);
  const originalContext = keys.integer("rope.scaling.original_context_length", {
    min: 1,
    max: CONTEXT_MAX,
  }) ?? contextMax;
  const factorsTensor = factorsOf(keys, contextMax > originalContext);
  const type = keys.string("rope.scaling.type") ?? "linear";
  if (!SCALING_TYPES.includes(type)) {
    const supported = SCALING_TYPES.map(showValue).join(", ");
    throw keys.error(
      "unsupported-feature",
      `'${keys.name("rope.scaling.type")}' is only supported as ${supported}: it is ${
        showValue(type)
      }`,
    );
  }
  if (type === "none") return { ...rope, factorsTensor };
  const factor = readFactor(keys);
  if (type === "longrope" && factor !== 1) {
    throw keys.error(
      "unsupported-feature",
      `'${
        keys.name("rope.scaling.factor")
      }' must be 1 beside factors of 'longrope': it is ${factor}`,
    );
  }
  const yarn = type === "yarn" ? readYarn(keys, { base: rope.base, originalContext }) : undefined;
  const attention = keys.float("rope.scaling.attn_factor", { min: 0, max: ROPE_FACTOR_MAX }) ?? 1;
  const ramp = yarn === undefined ? 1 : yarnMagnitude(keys, factor);
  return {
    ...rope,
    frequencyScale: 1 / factor,
    yarn,
    // An f32, so that no library's last bit of a logarithm reaches the arithmetic.
    magnitude: Math.fround(attention * ramp),
    factorsTensor,
  };
}

/** A base frequency, or undefined when the key is absent. @throws {ModelError} out of bounds */
export function readRopeBase(keys: ArchitectureKeys, key: string): number | undefined {
  return keys.float(key, { min: 1, max: ROPE_BASE_MAX });
}

/** The factor by which positions are stretched; absent and 0 are 1. */
function readFactor(keys: ArchitectureKeys): number {
  const bounds = { min: 0, max: ROPE_FACTOR_MAX };
  const factor = keys.float("rope.scaling.factor", bounds) ??
    keys.float("rope.scale_linear", bounds);
  if (factor === undefined || factor === 0) return 1;
  if (factor >= FACTOR_MIN) return factor;
  throw keys.error(
    "unsupported-feature",
    `the factor that stretches positions must be at least ${FACTOR_MIN}: it is ${factor}`,
  );
}

/** YaRN's ramp; undefined when the file turns it off, which leaves the linear factor. */
function readYarn(
  keys: ArchitectureKeys,
  { base, originalContext }: { readonly base: number; readonly originalContext: number },
): Yarn | undefined {
  const extrapolation = keys.float("rope.scaling.yarn_ext_factor", { min: -1, max: 1 }) ?? 1;
  if (extrapolation === 0) return undefined;
  if (base === 1) throw keys.error("bad-shape", "YaRN needs a RoPE base above 1: it is 1");
  const bounds = { min: BETA_MIN, max: BETA_MAX };
  return {
    originalContext,
    extrapolation: extrapolation < 0 ? 1 : extrapolation,
    betaFast: keys.float("rope.scaling.yarn_beta_fast", bounds) ?? BETA_FAST_DEFAULT,
    betaSlow: keys.float("rope.scaling.yarn_beta_slow", bounds) ?? BETA_SLOW_DEFAULT,
  };
}

/** What YaRN multiplies queries and keys by: 0.1 ln(factor) + 1, or a ratio of two such. */
function yarnMagnitude(keys: ArchitectureKeys, factor: number): number {
  const multiplier = keys.float("rope.scaling.yarn_log_multiplier", { min: 0, max: 100 }) ?? 0;
  const whole = logScale(factor, 1);
  return multiplier === 0 ? whole : whole / logScale(factor, multiplier);
}

function logScale(factor: number, multiplier: number): number {
  return factor <= 1 ? 1 : 0.1 * multiplier * Math.log(factor) + 1;
}

function factorsOf(keys: ArchitectureKeys, isLong: boolean): string | undefined {
  if (keys.hasTensor("rope_freqs.weight")) return "rope_freqs.weight";
  const [long, short] = longAndShortFactors;
  if (!keys.hasTensor(long) && !keys.hasTensor(short)) return undefined;
  return isLong ? long : short;
}
