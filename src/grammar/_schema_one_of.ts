/**
 * `oneOf`: a grammar holds to any of several schemas, and here no value may fit two. So the schemas
 * must be told apart by what can be seen: their types, their values, or a member that each requires
 * with values of its own.
 */
import { listAt, refuse, typesOf } from "./_schema_reading.ts";
import type { SchemaObject } from "./_schema_reading.ts";

interface Options {
  readonly path: string;
  /** Follows references. */
  readonly resolve: (schema: unknown) => unknown;
}

/** @throws {GrammarError} `unsupported` for schemas that may overlap */
export function refuseOverlaps(schemas: readonly unknown[], { path, resolve }: Options): void {
  const seen = schemas.map((schema) => branchOf(resolve(schema), resolve));
  seen.forEach((a, i) => {
    for (const b of seen.slice(i + 1)) {
      if (a !== undefined && b !== undefined && areApart(a, b)) continue;
      throw refuse(
        path,
        'its schemas must be told apart by their types, by "const" or "enum", or by such a required member: use "anyOf" where they overlap',
      );
    }
  });
}

interface Branch {
  /** JSON of all values, where they are listed. */
  readonly values: ReadonlySet<string> | undefined;
  readonly types: ReadonlySet<string>;
  /** Values of required members that list theirs. */
  readonly tags: ReadonlyMap<string, ReadonlySet<string>>;
}

function branchOf(schema: unknown, resolve: (schema: unknown) => unknown): Branch | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  const given = schema as SchemaObject;
  const values = valuesOf(given);
  if (values !== undefined) {
    const types = new Set([...values].map((value) => typeOfJson(value)));
    return { values, types, tags: new Map() };
  }
  if (["$ref", "anyOf", "oneOf", "allOf"].some((keyword) => Object.hasOwn(given, keyword))) {
    return undefined;
  }
  const types = new Set(typesOf(given, "").map((type) => type === "integer" ? "number" : type));
  return { values, types, tags: tagsOf(given, resolve) };
}

function tagsOf(
  schema: SchemaObject,
  resolve: (schema: unknown) => unknown,
): ReadonlyMap<string, ReadonlySet<string>> {
  const tags = new Map<string, ReadonlySet<string>>();
  const { required, properties } = schema;
  if (!Array.isArray(required) || typeof properties !== "object" || properties === null) {
    return tags;
  }
  for (const [name, value] of Object.entries(properties)) {
    const resolved = resolve(value);
    if (!required.includes(name) || typeof resolved !== "object" || resolved === null) continue;
    const values = valuesOf(resolved as SchemaObject);
    if (values !== undefined) tags.set(name, values);
  }
  return tags;
}

function valuesOf(schema: SchemaObject): ReadonlySet<string> | undefined {
  if (Object.hasOwn(schema, "const")) return new Set([JSON.stringify(schema["const"])]);
  if (!Object.hasOwn(schema, "enum")) return undefined;
  return new Set(listAt(schema, "enum", "").map((value) => JSON.stringify(value)));
}

function typeOfJson(json: string): string {
  if (json === "null") return "null";
  const types: Readonly<Record<string, string>> = { "{": "object", "[": "array", '"': "string" };
  return types[json[0] ?? ""] ?? (/^[tf]/.test(json) ? "boolean" : "number");
}

function areApart(a: Branch, b: Branch): boolean {
  if (![...a.types].some((type) => b.types.has(type))) return true;
  if (a.values !== undefined && b.values !== undefined) return areDisjoint(a.values, b.values);
  const [only] = a.types;
  if (a.types.size !== 1 || b.types.size !== 1 || only !== "object") return false;
  return [...a.tags].some(([name, values]) => {
    const others = b.tags.get(name);
    return others !== undefined && areDisjoint(values, others);
  });
}

function areDisjoint(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  return ![...a].some((value) => b.has(value));
}
