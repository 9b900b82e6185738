/**
 * Canonical JSON, RFC 8785 (JCS): one byte sequence for one value, so that it can be hashed and signed.
 *
 * Its rules are those of ECMAScript's own serialisation (section 3.2.2: numbers as Number::toString,
 * strings with the short escapes) plus members sorted by UTF-16 code units (3.2.3). Stricter than the
 * RFC on purpose: integers beyond 2^53 - 1 are refused, because other languages read them as 64-bit
 * integers that a double cannot hold, and nothing is dropped or converted silently (`undefined`,
 * dates, maps and `toJSON` are refused).
 */

/** What JSON can say. */
export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Limits of a serialisation. */
export interface CanonicalOptions {
  /** Arrays and objects inside each other. @default 64 */
  readonly depthMax?: number;
  /** UTF-8 bytes of the result. @default 1048576 */
  readonly bytesMax?: number;
  /** "safe" refuses integers beyond 2^53 - 1, "any" follows the RFC. @default "safe" */
  readonly integers?: "safe" | "any";
}

interface Writing {
  readonly depthMax: number;
  readonly bytesMax: number;
  readonly anyInteger: boolean;
  readonly parts: string[];
  /** UTF-16 units written; never more than the bytes, so checking it bounds the work. */
  units: number;
}

const encoder = new TextEncoder();

/**
 * The canonical text of a value.
 *
 * @throws {TypeError} for anything that JSON cannot say, a lone surrogate included
 * @throws {RangeError} beyond `depthMax` or `bytesMax`, and for integers beyond 2^53 - 1
 */
export function canonicalJson(value: unknown, options: CanonicalOptions = {}): string {
  const writing: Writing = {
    depthMax: options.depthMax ?? 64,
    bytesMax: options.bytesMax ?? 1024 * 1024,
    anyInteger: options.integers === "any",
    parts: [],
    units: 0,
  };
  writeValue(writing, value, 0);
  const text = writing.parts.join("");
  // A UTF-16 unit is at most 3 bytes, so most texts need no exact count.
  if (text.length * 3 > writing.bytesMax && utf8Length(text) > writing.bytesMax) {
    throw tooLong(writing.bytesMax);
  }
  return text;
}

/** The UTF-8 bytes of `canonicalJson`. @throws as it does */
export function canonicalBytes(value: unknown, options: CanonicalOptions = {}): Uint8Array {
  return encoder.encode(canonicalJson(value, options));
}

function writeValue(writing: Writing, value: unknown, depth: number): void {
  switch (typeof value) {
    case "string":
      return writeString(writing, value);
    case "number":
      return writeNumber(writing, value);
    case "boolean":
      return put(writing, value ? "true" : "false");
    case "object":
      if (value === null) return put(writing, "null");
      if (depth >= writing.depthMax) throw tooDeep(writing.depthMax);
      return Array.isArray(value)
        ? writeArray(writing, value, depth)
        : writeObject(writing, value, depth);
    default:
      throw notJson(typeof value);
  }
}

function writeArray(writing: Writing, items: readonly unknown[], depth: number): void {
  put(writing, "[");
  // By index, so that a hole is met as undefined and refused.
  for (let i = 0; i < items.length; i++) {
    if (i > 0) put(writing, ",");
    writeValue(writing, items[i], depth + 1);
  }
  put(writing, "]");
}

function writeObject(writing: Writing, object: object, depth: number): void {
  const prototype: unknown = Object.getPrototypeOf(object);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw notJson(object.constructor.name || "object with a prototype");
  }
  put(writing, "{");
  // The default order of sort() is by UTF-16 code units, as section 3.2.3 wants.
  Object.keys(object).sort().forEach((name, i) => {
    if (i > 0) put(writing, ",");
    writeString(writing, name);
    put(writing, ":");
    writeValue(writing, Reflect.get(object, name), depth + 1);
  });
  put(writing, "}");
}

function writeString(writing: Writing, text: string): void {
  if (!text.isWellFormed()) throw notJson("string with a lone surrogate");
  put(writing, JSON.stringify(text));
}

function writeNumber(writing: Writing, value: number): void {
  if (!Number.isFinite(value)) throw notJson(String(value));
  if (!writing.anyInteger && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw new RangeError(
      `Cannot write canonical JSON as integers must be at most 2^53 - 1: current value is ${value}`,
    );
  }
  // Number::toString but for -0, which section 3.2.2.3 writes as 0, as String() does.
  put(writing, String(value));
}

function put(writing: Writing, text: string): void {
  writing.units += text.length;
  if (writing.units > writing.bytesMax) throw tooLong(writing.bytesMax);
  writing.parts.push(text);
}

function utf8Length(text: string): number {
  return encoder.encode(text).length;
}

function tooLong(bytesMax: number): RangeError {
  return new RangeError(
    `Cannot write canonical JSON as it must be at most ${bytesMax} bytes: current value is longer`,
  );
}

function tooDeep(depthMax: number): RangeError {
  return new RangeError(
    `Cannot write canonical JSON as it must be at most ${depthMax} deep: current value is deeper`,
  );
}

function notJson(what: string): TypeError {
  return new TypeError(
    `Cannot write canonical JSON as every value must be JSON: current value is ${what}`,
  );
}
