/**
 * A validator of JSON Schema (draft 7) for tests: the keywords that our documents and OpenRPC's
 * meta-schema use. A keyword that it does not know is an error, so that none is passed over.
 */
import assert from "node:assert/strict";

type Schema = boolean | Readonly<Record<string, unknown>>;

/** Keywords that say nothing about validity. */
const NOTES = new Set([
  ...["$schema", "$id", "title", "description", "default", "examples", "definitions", "format"],
  ...["contentEncoding", "contentMediaType", "additionalItems"],
]);

/** What is wrong with `value`: a line for each fault, none when it is valid. */
export function faultsOf(
  value: unknown,
  schema: Schema,
  options: { readonly root?: Schema; readonly at?: string } = {},
): string[] {
  const { root = schema, at = "$" } = options;
  if (typeof schema === "boolean") return schema ? [] : [`${at}: nothing is allowed here`];
  return Object.entries(schema).flatMap(([keyword, rule]) => {
    if (NOTES.has(keyword)) return [];
    const check = CHECKS[keyword];
    assert.ok(check !== undefined, `The validator does not know "${keyword}"`);
    return check({ value, rule, schema, root, at });
  });
}

interface Check {
  readonly value: unknown;
  readonly rule: unknown;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly root: Schema;
  readonly at: string;
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  object: isObject,
  array: Array.isArray,
  string: (value) => typeof value === "string",
  number: (value) => typeof value === "number",
  integer: Number.isInteger,
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};

function fault(check: Check, holds: boolean, what: string): string[] {
  return holds ? [] : [`${check.at}: ${what}`];
}

function alternatives(check: Check): number {
  const { value, rule, root, at } = check;
  return (rule as Schema[]).filter((one) => faultsOf(value, one, { root, at }).length === 0).length;
}

function numeric(compare: (value: number, rule: number) => boolean): (check: Check) => string[] {
  return (check) => {
    const { value, rule } = check;
    return typeof value === "number"
      ? fault(check, compare(value, rule as number), `out of range ${rule}`)
      : [];
  };
}

function sized(compare: (size: number, rule: number) => boolean): (check: Check) => string[] {
  return (check) => {
    const { value, rule } = check;
    const size = typeof value === "string"
      ? [...value].length
      : Array.isArray(value)
      ? value.length
      : undefined;
    return size === undefined ? [] : fault(check, compare(size, rule as number), `size ${rule}`);
  };
}

const CHECKS: Readonly<Record<string, (check: Check) => string[]>> = {
  type: (check) => {
    const types = [check.rule].flat() as string[];
    return fault(check, types.some((type) => TYPES[type]?.(check.value) === true), `no ${types}`);
  },
  enum: (check) =>
    fault(check, (check.rule as unknown[]).includes(check.value), "none of the values"),
  const: (check) => fault(check, check.rule === check.value, `not ${check.rule}`),
  required: (check) => {
    const { value, rule } = check;
    if (!isObject(value)) return [];
    return (rule as string[]).flatMap((name) =>
      fault(check, Object.hasOwn(value, name), `lacks ${name}`)
    );
  },
  properties: ({ value, rule, root, at }) => {
    if (!isObject(value)) return [];
    return Object.entries(rule as Record<string, Schema>).flatMap(([name, schema]) =>
      Object.hasOwn(value, name) ? faultsOf(value[name], schema, { root, at: `${at}.${name}` }) : []
    );
  },
  patternProperties: ({ value, rule, root, at }) => {
    if (!isObject(value)) return [];
    return Object.entries(rule as Record<string, Schema>).flatMap(([pattern, schema]) =>
      Object.keys(value).filter((name) => new RegExp(pattern).test(name)).flatMap((name) =>
        faultsOf(value[name], schema, { root, at: `${at}.${name}` })
      )
    );
  },
  propertyNames: ({ value, rule, root, at }) =>
    isObject(value)
      ? Object.keys(value).flatMap((name) => faultsOf(name, rule as Schema, { root, at }))
      : [],
  additionalProperties: ({ value, rule, schema, root, at }) => {
    if (!isObject(value)) return [];
    const patterns = Object.keys(Object(schema["patternProperties"]));
    return Object.keys(value)
      .filter((name) => !Object.hasOwn(Object(schema["properties"]), name))
      .filter((name) => !patterns.some((pattern) => new RegExp(pattern).test(name)))
      .flatMap((name) => faultsOf(value[name], rule as Schema, { root, at: `${at}.${name}` }));
  },
  items: ({ value, rule, root, at }) =>
    Array.isArray(value)
      ? value.flatMap((item, i) => faultsOf(item, rule as Schema, { root, at: `${at}[${i}]` }))
      : [],
  uniqueItems: (check) =>
    Array.isArray(check.value)
      ? fault(
        check,
        new Set(check.value.map((one) => JSON.stringify(one))).size === check.value.length,
        "not unique",
      )
      : [],
  pattern: (check) =>
    typeof check.value === "string"
      ? fault(check, new RegExp(String(check.rule), "u").test(check.value), `no ${check.rule}`)
      : [],
  oneOf: (check) => fault(check, alternatives(check) === 1, `${alternatives(check)} of oneOf hold`),
  anyOf: (check) => fault(check, alternatives(check) > 0, "none of anyOf holds"),
  allOf: (check) =>
    fault(check, alternatives(check) === (check.rule as unknown[]).length, "not all of allOf hold"),
  not: ({ value, rule, root, at }) =>
    faultsOf(value, rule as Schema, { root, at }).length > 0 ? [] : [`${at}: what it must not be`],
  $ref: ({ value, rule, root, at }) => {
    // JSON Schema's own meta-schema, which the vectors' README explains.
    if (/^https:\/\/meta\.json-schema\.tools/.test(String(rule))) {
      return isObject(value) || typeof value === "boolean" || typeof value === "string"
        ? []
        : [`${at}: no schema`];
    }
    let target: unknown = root;
    for (const part of String(rule).slice(2).split("/")) target = Reflect.get(Object(target), part);
    assert.ok(target !== undefined, `No ${rule}`);
    return faultsOf(value, target as Schema, { root, at });
  },
  minimum: numeric((value, rule) => value >= rule),
  maximum: numeric((value, rule) => value <= rule),
  exclusiveMinimum: numeric((value, rule) => value > rule),
  exclusiveMaximum: numeric((value, rule) => value < rule),
  multipleOf: numeric((value, rule) => value % rule === 0),
  minLength: sized((size, rule) => size >= rule),
  maxLength: sized((size, rule) => size <= rule),
  minItems: sized((size, rule) => size >= rule),
  maxItems: sized((size, rule) => size <= rule),
};

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
