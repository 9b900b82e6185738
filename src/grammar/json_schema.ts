/**
 * JSON Schema as a grammar: every text of the grammar is valid by the schema.
 *
 * JSON Schema 2020-12 (and the older drafts' `definitions`), without what a grammar cannot hold to:
 * such a keyword is refused by its place and name, and so is one that nobody knows. Members of an
 * object come in the order of `properties`; values of `enum` and `const` are written as `JSON.stringify`
 * does, numbers in any of the ways of json_rules.ts. Members that nobody named are made only where
 * `additionalProperties` or the lack of `properties` asks for them.
 */
import { isSatisfiable } from "./_analysis.ts";
import { GrammarError } from "./errors.ts";
import { choice, isNothing, rule, text } from "./expression.ts";
import type { Expression, Grammar } from "./expression.ts";
import { formatRules } from "./_formats.ts";
import { json, jsonRules } from "./json_rules.ts";
import { depthMax, enumValuesMax, nestingMax, schemasMax, schemaUnitsMax } from "./limits.ts";
import { isNestedDeeper } from "./nesting.ts";
import { arrayOf } from "./_schema_arrays.ts";
import { objectOf } from "./_schema_objects.ts";
import { numberOf, stringOf } from "./_schema_scalars.ts";
import { contradiction } from "./_contradictions.ts";
import {
  checkKeywords,
  listAt,
  pointer,
  refuse,
  typesOf,
  unsatisfiable,
} from "./_schema_reading.ts";
import type { JsonType, SchemaContext, SchemaObject } from "./_schema_reading.ts";
import { refuseOverlaps } from "./_schema_one_of.ts";

/**
 * The grammar of a schema.
 *
 * @param schema what JSON gave: an object or a boolean
 * @throws {GrammarError} `unsupported` with the place and keyword in `path`, `too-large`
 */
export function schemaGrammar(schema: unknown): Grammar {
  if (isNestedDeeper(schema, nestingMax)) {
    throw new GrammarError(
      "too-large",
      `Cannot use the schema as its JSON must be nested at most ${nestingMax} deep`,
    );
  }
  const units = JSON.stringify(schema)?.length ?? 0;
  if (units > schemaUnitsMax) {
    throw new GrammarError(
      "too-large",
      `Cannot use the schema as it must be at most ${schemaUnitsMax} characters of JSON: it has ${units}`,
    );
  }
  return new SchemaReader(schema).grammar();
}

class SchemaReader implements SchemaContext {
  readonly #document: unknown;
  readonly #rules = new Map<string, Expression>([...jsonRules, ...formatRules]);
  /** References that are still to be read. */
  readonly #pending: string[] = [];
  readonly #named = new Set<string>();
  #count = 0;
  #labelled = 0;
  #depth = 0;
  /** The first schema that nothing fits: no fault unless it is needed. */
  #impossible: GrammarError | undefined;

  constructor(document: unknown) {
    this.#document = document;
  }

  grammar(): Grammar {
    const root = this.#reference("#", "");
    for (let at = this.#pending.pop(); at !== undefined; at = this.#pending.pop()) {
      this.#define(at, this.schema(this.#resolve(at, at), at.slice(1)));
    }
    this.#define("root", root);
    const grammar = { root: "root", rules: this.#rules };
    if (isSatisfiable(grammar)) return grammar;
    throw this.#impossible ?? unsatisfiable(
      "",
      "each value that fits it would hold another one, without end: give it a way to end",
    );
  }

  addRule(label: string, expression: Expression): Expression {
    // The number is given once, and references begin with #: no two rules have one name.
    const name = `${label} ${this.#labelled++}`;
    this.#define(name, expression);
    return rule(name);
  }

  #define(name: string, expression: Expression): void {
    if (this.#rules.has(name)) {
      throw new RangeError(`Cannot define rule "${name}" as its name must be new: it is taken`);
    }
    this.#rules.set(name, expression);
  }

  schema(schema: unknown, path: string): Expression {
    if (schema === true) return json.value;
    if (schema === false) {
      this.#impossible ??= unsatisfiable(path, "no value fits false");
      return choice();
    }
    if (typeof schema !== "object" || schema === null || Array.isArray(schema)) {
      throw refuse(path, "it must be an object, true or false");
    }
    if (++this.#count > schemasMax || ++this.#depth > depthMax) {
      throw new GrammarError(
        "too-large",
        `Cannot use the schema as it must have at most ${schemasMax} schemas, ${depthMax} deep`,
        path,
      );
    }
    const expression = this.#object(schema as SchemaObject, path);
    this.#depth--;
    if (isNothing(expression)) this.#impossible ??= contradiction(schema as SchemaObject, path);
    return expression;
  }

  #object(schema: SchemaObject, path: string): Expression {
    const applied = checkKeywords(schema, path);
    switch (applied) {
      case "$ref":
        return this.#reference(schema["$ref"], path);
      case "const":
        return this.#values([schema["const"]], { schema, path });
      case "enum":
        return this.#values(listAt(schema, "enum", path), { schema, path });
      case "anyOf":
      case "oneOf":
      case "allOf":
        return this.#combined(schema, { keyword: applied, path });
      default:
        return choice(...typesOf(schema, path).map((type) => this.#type(type, { schema, path })));
    }
  }

  #combined(
    schema: SchemaObject,
    { keyword, path }: { readonly keyword: string; readonly path: string },
  ): Expression {
    const options = listAt(schema, keyword, path);
    const at = pointer(path, keyword);
    if (keyword === "allOf" && options.length > 1) {
      throw refuse(at, "several schemas at once are not held to by this release: merge them");
    }
    if (keyword === "oneOf") {
      refuseOverlaps(options, {
        path: at,
        resolve: (one) => this.#seen(one),
      });
    }
    return choice(...options.map((option, i) => this.schema(option, pointer(at, String(i)))));
  }

  #values(
    values: readonly unknown[],
    { schema, path }: { readonly schema: SchemaObject; readonly path: string },
  ): Expression {
    if (values.length > enumValuesMax) {
      throw refuse(pointer(path, "enum"), `it may hold at most ${enumValuesMax} values`);
    }
    const types = schema["type"] === undefined ? undefined : typesOf(schema, path);
    const fitting = values.filter((value) => types === undefined || types.some(isOf(value)));
    return choice(...fitting.map((value) => text(JSON.stringify(value))));
  }

  #type(
    type: JsonType,
    { schema, path }: { readonly schema: SchemaObject; readonly path: string },
  ): Expression {
    switch (type) {
      case "null":
        return json.null;
      case "boolean":
        return json.boolean;
      case "string":
        return stringOf(schema, path);
      case "integer":
      case "number":
        return numberOf(schema, { type, path });
      case "array":
        return arrayOf(schema, { path, context: this });
      case "object":
        return objectOf(schema, { path, context: this });
    }
  }

  #reference(reference: unknown, path: string): Expression {
    const at = pointer(path, "$ref");
    if (typeof reference !== "string" || !/^#(\/|$)/.test(reference)) {
      throw refuse(at, "only references into the schema itself are followed: they begin with #");
    }
    const name = decodeURI(reference, at);
    this.#resolve(name, at);
    if (!this.#named.has(name)) {
      this.#named.add(name);
      this.#pending.push(name);
    }
    return rule(name);
  }

  #resolve(reference: string, path: string): unknown {
    let found = this.#document;
    for (const part of reference.split("/").slice(1)) {
      const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
      if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) {
        throw refuse(path, `there is nothing at ${JSON.stringify(reference)}`);
      }
      found = (found as SchemaObject)[key];
    }
    return found;
  }

  /** What a schema is after its references, as far as they are only that. */
  #seen(schema: unknown): unknown {
    let seen = schema;
    for (let steps = 0; steps < depthMax; steps++) {
      const reference = typeof seen === "object" && seen !== null
        ? (seen as SchemaObject)["$ref"]
        : undefined;
      if (typeof reference !== "string" || !/^#(\/|$)/.test(reference)) return seen;
      seen = this.#resolve(decodeURI(reference, ""), "");
    }
    return seen;
  }
}

function decodeURI(reference: string, path: string): string {
  try {
    return decodeURIComponent(reference);
  } catch {
    throw refuse(path, "it must be a JSON pointer");
  }
}

function isOf(value: unknown): (type: JsonType) => boolean {
  return (type) => {
    switch (type) {
      case "null":
        return value === null;
      case "array":
        return Array.isArray(value);
      case "object":
        return typeof value === "object" && value !== null && !Array.isArray(value);
      case "integer":
        return Number.isInteger(value);
      case "string":
        return typeof value === "string";
      case "number":
        return typeof value === "number";
      case "boolean":
        return typeof value === "boolean";
    }
  };
}
