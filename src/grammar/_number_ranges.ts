/**
 * Numbers between bounds, as digits.
 */
import { characters, choice, sequence, text } from "./expression.ts";
import type { Expression } from "./expression.ts";

/** Inclusive bounds; undefined is none. */
export interface Bounds {
  readonly min: bigint | undefined;
  readonly max: bigint | undefined;
}

/** Digits that an f64 tells apart. */
const digitsMax = 15;

/** A decimal fraction: `units` over ten to the `scale`. */
export interface Decimal {
  readonly units: bigint;
  readonly scale: number;
}

/** The decimal that a number is written as. */
export function decimalOf(value: number): Decimal {
  const [, sign = "", whole = "0", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(value)) ?? [];
  const scale = fraction.length - Number(exponent);
  const units = BigInt(`${sign}${whole}${fraction}`);
  return scale >= 0 ? { units, scale } : { units: units * 10n ** BigInt(-scale), scale: 0 };
}

/** At another scale; rounded up or down where digits are lost. */
export function rescale(decimal: Decimal, scale: number, rounding: "up" | "down"): bigint {
  const { units } = decimal;
  if (scale >= decimal.scale) return units * 10n ** BigInt(scale - decimal.scale);
  const factor = 10n ** BigInt(decimal.scale - scale);
  const quotient = units / factor;
  const exact = quotient * factor === units;
  if (exact) return quotient;
  if (rounding === "up") return units > 0n ? quotient + 1n : quotient;
  return units < 0n ? quotient - 1n : quotient;
}

/**
 * Numbers with `decimals` digits after the point (0: integers) whose units are between the bounds;
 * where there is no bound, as far as an f64 tells such numbers apart.
 */
export function numbersBetween({ min, max }: Bounds, decimals = 0): Expression {
  const widest = 10n ** BigInt(digitsMax) - 1n;
  const from = min ?? lesser(-widest, max ?? 0n);
  const to = max ?? greater(widest, min ?? 0n);
  const options: Expression[] = [];
  if (to >= 0n && from <= to) options.push(natural(greater(from, 0n), to, decimals));
  if (from < 0n && from <= to) {
    const nearest = greater(-to, 1n);
    options.push(sequence("-", natural(nearest, -from, decimals)));
  }
  return choice(...options);
}

/** From `from` to `to`, both at least 0, by number of digits. */
function natural(from: bigint, to: bigint, decimals: number): Expression {
  const options: Expression[] = [];
  const lengthMax = String(to).length;
  for (let length = decimals + 1; length <= Math.max(lengthMax, decimals + 1); length++) {
    const shortest = length === decimals + 1;
    const least = shortest ? 0n : 10n ** BigInt(length - 1);
    const low = greater(from, least);
    const high = lesser(to, 10n ** BigInt(length) - 1n);
    if (low > high) continue;
    options.push(
      digitsBetween(
        String(low).padStart(length, "0"),
        String(high).padStart(length, "0"),
        decimals,
      ),
    );
  }
  return choice(...options);
}

/** Digits of one length from `low` to `high`, with a point before the last `decimals`. */
function digitsBetween(low: string, high: string, decimals: number): Expression {
  if (low === "") return sequence();
  const rest = low.length - 1;
  const point = decimals > 0 && rest === decimals ? "." : "";
  const then = (lowRest: string, highRest: string): Expression =>
    sequence(point, digitsBetween(lowRest, highRest, decimals));
  const [first = "0"] = low;
  const [last = "0"] = high;
  if (first === last) return sequence(text(first), then(low.slice(1), high.slice(1)));
  const least = "0".repeat(rest);
  const most = "9".repeat(rest);
  const options: Expression[] = [];
  const lowWhole = low.slice(1) === least;
  const highWhole = high.slice(1) === most;
  if (!lowWhole) options.push(sequence(text(first), then(low.slice(1), most)));
  const from = first.charCodeAt(0) + (lowWhole ? 0 : 1);
  const to = last.charCodeAt(0) - (highWhole ? 0 : 1);
  if (from <= to) options.push(sequence(characters([from, to]), then(least, most)));
  if (!highWhole) options.push(sequence(text(last), then(least, high.slice(1))));
  return choice(...options);
}

function lesser(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function greater(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
