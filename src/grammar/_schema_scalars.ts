/**
 * Strings and numbers of a schema.
 */
import { formatRules, formats } from "./_formats.ts";
import { decimalOf, numbersBetween, rescale } from "./_number_ranges.ts";
import { choice, isNothing, repeat, rule } from "./expression.ts";
import type { Expression } from "./expression.ts";
import { json, quoted } from "./json_rules.ts";
import { repeatMax } from "./limits.ts";
import { patternExpression } from "./_pattern.ts";
import { countAt, numberAt, pointer, refuse } from "./_schema_reading.ts";
import type { SchemaObject } from "./_schema_reading.ts";

/** The strings of a schema. */
export function stringOf(schema: SchemaObject, path: string): Expression {
  const min = countAt(schema, "minLength", { path, max: repeatMax });
  const max = countAt(schema, "maxLength", { path, max: repeatMax });
  const { pattern, format } = schema;
  if (pattern !== undefined && format !== undefined) {
    throw refuse(pointer(path, "format"), `it is not combined with "pattern" by this release`);
  }
  const form = pattern === undefined ? format === undefined ? undefined : "format" : "pattern";
  if (form !== undefined && (min !== undefined || max !== undefined)) {
    const keyword = min === undefined ? "maxLength" : "minLength";
    throw refuse(pointer(path, keyword), `it is not combined with "${form}" by this release`);
  }
  if (form === "pattern") return quoted(patternAt(pattern, pointer(path, "pattern")));
  if (form === "format") return quoted(formatAt(format, pointer(path, "format")));
  if (min === undefined && max === undefined) return json.string;
  if (max !== undefined && (min ?? 0) > max) return choice();
  return quoted(repeat(json.character, min ?? 0, max));
}

function patternAt(pattern: unknown, path: string): Expression {
  if (typeof pattern !== "string") throw refuse(path, "it must be a string");
  return patternExpression(pattern, path);
}

function formatAt(format: unknown, path: string): Expression {
  if (typeof format === "string" && formats.includes(format) && formatRules.has(format)) {
    return rule(format);
  }
  throw refuse(
    path,
    `the format ${JSON.stringify(format)} is not held to by this release: it knows ${
      formats.join(", ")
    }`,
  );
}

interface Limit {
  readonly value: number;
  readonly excluded: boolean;
}

/** The numbers of a schema. */
export function numberOf(
  schema: SchemaObject,
  { type, path }: { readonly type: "number" | "integer"; readonly path: string },
): Expression {
  const multiple = numberAt(schema, "multipleOf", path);
  if (multiple !== undefined && !(type === "integer" && multiple === 1)) {
    throw refuse(pointer(path, "multipleOf"), "only 1, of integers, is held to by this release");
  }
  const low = tighter(
    [at(schema, { keyword: "minimum", path }), at(schema, { keyword: "exclusiveMinimum", path })],
    (a, b) => a > b,
  );
  const high = tighter(
    [at(schema, { keyword: "maximum", path }), at(schema, { keyword: "exclusiveMaximum", path })],
    (a, b) => a < b,
  );
  if (low === undefined && high === undefined) {
    return type === "integer" ? json.integer : json.number;
  }
  const found = boundedNumbers({ low, high, type });
  if (type === "number" && isNothing(found) && isRange(low, high)) {
    throw refuse(path, "its numbers have more digits than are told apart by this release");
  }
  return found;
}

interface Bounded {
  readonly low: Limit | undefined;
  readonly high: Limit | undefined;
  readonly type: "number" | "integer";
}

function boundedNumbers({ low, high, type }: Bounded): Expression {
  const integers = numbersBetween({ min: lowest(low, 0), max: highest(high, 0) });
  if (type === "integer") return integers;
  const decimals = decimalsOf(low, high);
  if (decimals === 0) return integers;
  const bounds = { min: lowest(low, decimals), max: highest(high, decimals) };
  return choice(integers, numbersBetween(bounds, decimals));
}

/** Whether some number is within the limits. */
function isRange(low: Limit | undefined, high: Limit | undefined): boolean {
  if (low === undefined || high === undefined || low.value < high.value) return true;
  return low.value === high.value && !low.excluded && !high.excluded;
}

function at(
  schema: SchemaObject,
  { keyword, path }: { readonly keyword: string; readonly path: string },
): Limit | undefined {
  const value = numberAt(schema, keyword, path);
  if (value === undefined) return undefined;
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) {
    throw refuse(pointer(path, keyword), "it must be within 2^53 of 0 in this release");
  }
  return { value, excluded: keyword.startsWith("exclusive") };
}

function tighter(
  [plain, excluding]: readonly (Limit | undefined)[],
  isTighter: (a: number, b: number) => boolean,
): Limit | undefined {
  if (plain === undefined || excluding === undefined) return plain ?? excluding;
  return isTighter(plain.value, excluding.value) ? plain : excluding;
}

/** The least number of units at a scale that is within the limit. */
function lowest(limit: Limit | undefined, scale: number): bigint | undefined {
  if (limit === undefined) return undefined;
  const decimal = decimalOf(limit.value);
  const units = rescale(decimal, scale, "up");
  return limit.excluded && units === rescale(decimal, scale, "down") ? units + 1n : units;
}

/** The largest. */
function highest(limit: Limit | undefined, scale: number): bigint | undefined {
  if (limit === undefined) return undefined;
  const decimal = decimalOf(limit.value);
  const units = rescale(decimal, scale, "down");
  return limit.excluded && units === rescale(decimal, scale, "up") ? units - 1n : units;
}

/** How many decimals bounded numbers have: some more than the bounds, as far as 15 digits go. */
function decimalsOf(low: Limit | undefined, high: Limit | undefined): number {
  const values = [low, high].flatMap((limit) => limit === undefined ? [] : [limit.value]);
  // Of a bound with more decimals, the range that is held to begins or ends at the next with 10.
  const scale = Math.min(10, Math.max(...values.map((value) => decimalOf(value).scale)));
  const largest = Math.max(1, ...values.map(Math.abs));
  return Math.max(0, Math.min(scale + 2, 15 - String(Math.ceil(largest)).length));
}
