/**
 * What all parts of reading a schema share: its keywords, its types, and refusals by place.
 */
import { GrammarError } from "./errors.ts";
import type { GrammarErrorCode } from "./errors.ts";
import type { Expression } from "./expression.ts";

/** A schema that is an object. */
export type SchemaObject = Readonly<Record<string, unknown>>;

/** What a part of a schema may ask of the whole. */
export interface SchemaContext {
  /** The expression of a schema within this one. */
  schema(schema: unknown, path: string): Expression;
  /** Gives an expression a name of its own, which the label begins, so that it is there once. */
  addRule(label: string, expression: Expression): Expression;
}

/** Types of JSON values, and integers. */
export type JsonType = "null" | "boolean" | "string" | "number" | "integer" | "array" | "object";

const allTypes: readonly JsonType[] = ["object", "array", "string", "number", "boolean", "null"];

/** Keywords that hold to nothing: names, texts for people, and places for other schemas. */
const annotations: readonly string[] = [
  "$comment",
  "$defs",
  "$schema",
  "default",
  "definitions",
  "deprecated",
  "description",
  "discriminator",
  "example",
  "examples",
  "readOnly",
  "title",
  "writeOnly",
];

const keywordsOfType: Readonly<Record<string, readonly JsonType[]>> = {
  minLength: ["string"],
  maxLength: ["string"],
  pattern: ["string"],
  format: ["string"],
  minimum: ["number", "integer"],
  maximum: ["number", "integer"],
  exclusiveMinimum: ["number", "integer"],
  exclusiveMaximum: ["number", "integer"],
  multipleOf: ["number", "integer"],
  properties: ["object"],
  required: ["object"],
  additionalProperties: ["object"],
  minProperties: ["object"],
  maxProperties: ["object"],
  items: ["array"],
  prefixItems: ["array"],
  minItems: ["array"],
  maxItems: ["array"],
  uniqueItems: ["array"],
};

/** Keywords that say all by themselves; the first that is there counts. */
const alone = ["$ref", "const", "enum", "anyOf", "oneOf", "allOf"] as const;

/** A keyword that says all, or undefined where the types' keywords do. */
export type Applied = typeof alone[number] | undefined;

/** A place within a place, as a JSON pointer (RFC 6901). */
export function pointer(path: string, key: string): string {
  return `${path}/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`;
}

/** The refusal of what is at a place. */
export function refuse(path: string, rule: string): GrammarError {
  return refusal("unsupported", path, rule);
}

/** The refusal of a schema that nothing fits. */
export function unsatisfiable(path: string, rule: string): GrammarError {
  return refusal("unsatisfiable", path, rule);
}

// tidy: allow positional-parameters as it is what the two above share
function refusal(code: GrammarErrorCode, path: string, rule: string): GrammarError {
  // The pointer of the whole is "", which tells a reader nothing.
  const at = path === "" ? "its root" : JSON.stringify(path);
  return new GrammarError(code, `Cannot hold to the schema at ${at} as ${rule}`, path);
}

/**
 * Looks at the names of all keywords, and says which of them decides.
 *
 * @throws {GrammarError} `unsupported` naming the first that is unknown or cannot go with another
 */
export function checkKeywords(schema: SchemaObject, path: string): Applied {
  const applied = alone.find((keyword) => Object.hasOwn(schema, keyword));
  const isValue = applied === "const" || applied === "enum";
  for (const keyword of Object.keys(schema)) {
    if (keyword === applied || annotations.includes(keyword)) continue;
    if (keyword === "$id" && path === "") continue;
    const at = pointer(path, keyword);
    if (keyword === "type") {
      if (applied === undefined || isValue) continue;
      throw refuse(at, `it is not combined with "${applied}" by this release: put it there`);
    }
    const known = Object.hasOwn(keywordsOfType, keyword) ||
      (alone as readonly string[]).includes(keyword);
    if (!known) throw refuse(at, `the keyword "${keyword}" is not held to by this release`);
    if (applied === undefined) continue;
    throw refuse(at, `"${keyword}" is not combined with "${applied}" by this release`);
  }
  return applied;
}

/**
 * The types that a schema allows: those it names, or those that its keywords are about, or all.
 *
 * @throws {GrammarError} `unsupported` for what is no type
 */
export function typesOf(schema: SchemaObject, path: string): readonly JsonType[] {
  const given = schema["type"];
  if (given === undefined) {
    const about = Object.keys(keywordsOfType).find((keyword) => Object.hasOwn(schema, keyword));
    const types = about === undefined ? undefined : keywordsOfType[about];
    return types === undefined ? allTypes : types.slice(0, 1);
  }
  const types: readonly unknown[] = Array.isArray(given) ? given : [given];
  for (const type of types) {
    if (type === "integer" || (allTypes as readonly unknown[]).includes(type)) continue;
    throw refuse(pointer(path, "type"), `${JSON.stringify(type)} is no type`);
  }
  const known = types as readonly JsonType[];
  // A number may be an integer: naming both says no more than the wider one.
  return known.filter((type, at) =>
    known.indexOf(type) === at && !(type === "integer" && known.includes("number"))
  );
}

/** An array with something in it. */
export function listAt(schema: SchemaObject, keyword: string, path: string): readonly unknown[] {
  const list = schema[keyword];
  if (Array.isArray(list) && list.length > 0) return list;
  throw refuse(pointer(path, keyword), "it must be an array that is not empty");
}

/** A count, or undefined where there is none. */
export function countAt(
  schema: SchemaObject,
  keyword: string,
  { path, max }: { readonly path: string; readonly max: number },
): number | undefined {
  const value = schema[keyword];
  if (value === undefined) return undefined;
  if (typeof value !== "number" || !Number.isInteger(value) || value < 0) {
    throw refuse(pointer(path, keyword), "it must be a whole number of at least 0");
  }
  if (value > max) {
    throw refuse(
      pointer(path, keyword),
      `it must be at most ${max} in this release: it is ${value}`,
    );
  }
  return value;
}

/** A finite number, or undefined where there is none. */
export function numberAt(
  schema: SchemaObject,
  keyword: string,
  path: string,
): number | undefined {
  const value = schema[keyword];
  if (value === undefined || (typeof value === "number" && Number.isFinite(value))) return value;
  throw refuse(pointer(path, keyword), "it must be a number");
}
