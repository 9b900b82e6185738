/**
 * `oneOf`: a grammar holds to any of several schemas, and here no value may fit two. So the schemas
 * must be told apart by what can be seen: their types, their values, or a member that each requires
 * with values of its own.
 */
import { GrammarError } from "./errors.ts";
import { comparisonsMax, schemasMax } from "./limits.ts";
import { refuse, typesOf } from "./_schema_reading.ts";
import type { SchemaObject } from "./_schema_reading.ts";

interface Options {
  readonly path: string;
  /** Follows references. */
  readonly resolve: (schema: unknown) => unknown;
}

/**
 * Makes sure that no value of one schema's grammar is valid by another schema.
 *
 * @throws {GrammarError} `unsupported` for schemas that may overlap, `too-large`
 */
export function refuseOverlaps(schemas: readonly unknown[], { path, resolve }: Options): void {
  if (schemas.length > schemasMax) throw tooMany(path, `has more than ${schemasMax} schemas`);
  const branches = schemas.map((schema) => branchOf(resolve(schema), resolve));
  const values = new Set<string>();
  let valueTypes = 0;
  const rest: Branch[] = [];
  for (const branch of branches) {
    if (branch === undefined) throw overlap(path);
    if (branch.values === undefined) {
      rest.push(branch);
      continue;
    }
    for (const value of branch.values) {
      if (values.has(value)) throw overlap(path);
      values.add(value);
    }
    valueTypes |= branch.valid;
  }
  if (rest.some(({ valid }) => (valid & valueTypes) !== 0)) throw overlap(path);
  let comparisons = 0;
  rest.forEach((a, at) => {
    for (let other = at + 1; other < rest.length; other++) {
      const b = rest[other];
      if (b === undefined) continue;
      comparisons += 1 + sizeOf(a);
      if (comparisons > comparisonsMax) {
        throw tooMany(
          path,
          `needs more than ${comparisonsMax} comparisons to tell its schemas apart`,
        );
      }
      if (!areApart(a, b)) throw overlap(path);
    }
  });
}

function overlap(path: string): GrammarError {
  return refuse(
    path,
    'its schemas must be told apart by their "type", by "const" or "enum", or by such a required member: use "anyOf" where they overlap',
  );
}

function tooMany(path: string, what: string): GrammarError {
  return new GrammarError(
    "too-large",
    `Cannot hold to the schema at ${
      JSON.stringify(path)
    } as it ${what}: use "anyOf" where no value fits two of them, or fewer schemas`,
    path,
  );
}

/** Types are bits, so that two schemas are compared at once. */
const typeBits: Readonly<Record<string, number>> = {
  null: 1,
  boolean: 2,
  number: 4,
  integer: 4,
  string: 8,
  array: 16,
  object: 32,
};

const allBits = 63;

interface Branch {
  /** JSON of all values, where they are listed. */
  readonly values: ReadonlySet<string> | undefined;
  /** Types of what the grammar makes. */
  readonly made: number;
  /** Types of what the schema allows: without "type", its keywords are about one and allow the rest. */
  readonly valid: number;
  /** Values of required members that list theirs. */
  readonly tags: ReadonlyMap<string, ReadonlySet<string>>;
}

function branchOf(schema: unknown, resolve: (schema: unknown) => unknown): Branch | undefined {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return undefined;
  const given = schema as SchemaObject;
  const values = valuesOf(given);
  if (values !== undefined) {
    const types = bitsOf([...values].map((value) => typeOfJson(value)));
    return { values, made: types, valid: types, tags: new Map() };
  }
  if (["$ref", "anyOf", "oneOf", "allOf", "enum"].some((key) => Object.hasOwn(given, key))) {
    return undefined;
  }
  const made = bitsOf(typesOf(given, ""));
  const valid = given["type"] === undefined ? allBits : made;
  return { values, made, valid, tags: tagsOf(given, resolve) };
}

function bitsOf(types: readonly string[]): number {
  return types.reduce((bits, type) => bits | (typeBits[type] ?? allBits), 0);
}

function sizeOf({ tags }: Branch): number {
  return [...tags.values()].reduce((sum, values) => sum + values.size, 0);
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
  if (Object.hasOwn(schema, "const")) return new Set([canonical(schema["const"])]);
  const list = Object.hasOwn(schema, "enum") ? schema["enum"] : undefined;
  return Array.isArray(list) ? new Set(list.map(canonical)) : undefined;
}

/** JSON with the members of objects in one order, as equal objects have them in any. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, one]) =>
    `${JSON.stringify(name)}:${canonical(one)}`
  );
  return `{${members.sort().join()}}`;
}

function typeOfJson(json: string): string {
  if (json === "null") return "null";
  const types: Readonly<Record<string, string>> = { "{": "object", "[": "array", '"': "string" };
  return types[json[0] ?? ""] ?? (/^[tf]/.test(json) ? "boolean" : "number");
}

/** Whether nothing that is made for one is valid by the other; both without listed values. */
function areApart(a: Branch, b: Branch): boolean {
  const shared = (a.made & b.valid) | (b.made & a.valid);
  if (shared === 0) return true;
  if (shared !== typeBits["object"]) return false;
  return [...a.tags].some(([name, values]) => {
    const others = b.tags.get(name);
    return others !== undefined && ![...values].some((value) => others.has(value));
  });
}
