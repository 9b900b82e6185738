/**
 * Typed access to the metadata of a model file; each failure names the key.
 */
import { ModelError, quoteForMessage } from "./errors.ts";
import type { ModelErrorCode } from "./errors.ts";
import type { GgufFile, MetadataValue } from "./gguf_types.ts";

/** Bounds of an integer or float key, both inclusive. */
export interface NumberBounds {
  readonly min: number;
  readonly max: number;
}

/** Builds an error about a file; `rule` completes "Cannot use model 'x' as ...". */
export function modelError(file: GgufFile, code: ModelErrorCode, rule: string): ModelError {
  return new ModelError(code, `Cannot use model ${quoteForMessage(file.name)} as ${rule}`);
}

/** Shortens a metadata value for a message. */
export function showValue(value: MetadataValue | undefined): string {
  if (value === undefined) return "missing";
  if (typeof value === "string") return quoteForMessage(value);
  if (typeof value === "object") return `an array of ${value.length} items`;
  return String(value);
}

/**
 * An integer within bounds, or `undefined` when the key is absent.
 *
 * @throws {ModelError} `bad-metadata` for another type, `bad-shape` out of bounds
 */
export function integerKey(
  file: GgufFile,
  options: NumberBounds & { key: string },
): number | undefined {
  const { key, min, max } = options;
  const value = file.metadata.get(key);
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value)) {
    throw modelError(
      file,
      "bad-metadata",
      `'${key}' must be an integer: it is ${showValue(value)}`,
    );
  }
  if (value < min || value > max) {
    throw modelError(
      file,
      "bad-shape",
      `'${key}' must be ${min} to ${max}: current value is ${value}`,
    );
  }
  return value;
}

/**
 * An integer within bounds that must be there.
 *
 * @throws {ModelError} as `integerKey`, and `bad-metadata` when absent
 */
export function requiredInteger(file: GgufFile, options: NumberBounds & { key: string }): number {
  const value = integerKey(file, options);
  if (value === undefined) throw missing(file, options.key);
  return value;
}

/**
 * A finite float within bounds, or `undefined` when the key is absent.
 *
 * @throws {ModelError} `bad-metadata` for another type, `bad-shape` out of bounds or not finite
 */
export function floatKey(
  file: GgufFile,
  options: NumberBounds & { key: string },
): number | undefined {
  const { key, min, max } = options;
  const value = file.metadata.get(key);
  if (value === undefined) return undefined;
  if (typeof value !== "number") {
    throw modelError(file, "bad-metadata", `'${key}' must be a number: it is ${showValue(value)}`);
  }
  if (!(value >= min && value <= max)) {
    throw modelError(
      file,
      "bad-shape",
      `'${key}' must be ${min} to ${max}: current value is ${value}`,
    );
  }
  return value;
}

/**
 * A string, or `undefined` when the key is absent.
 *
 * @throws {ModelError} `bad-metadata` for another type
 */
export function stringKey(file: GgufFile, key: string): string | undefined {
  const value = file.metadata.get(key);
  if (value === undefined || typeof value === "string") return value;
  throw modelError(file, "bad-metadata", `'${key}' must be a string: it is ${showValue(value)}`);
}

/**
 * A bool, or `undefined` when the key is absent.
 *
 * @throws {ModelError} `bad-metadata` for another type
 */
export function booleanKey(file: GgufFile, key: string): boolean | undefined {
  const value = file.metadata.get(key);
  if (value === undefined || typeof value === "boolean") return value;
  throw modelError(file, "bad-metadata", `'${key}' must be a bool: it is ${showValue(value)}`);
}

/** The error for a key that must be there. */
export function missing(file: GgufFile, key: string): ModelError {
  return modelError(file, "bad-metadata", `it has no '${key}'`);
}
