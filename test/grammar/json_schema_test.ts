// Goal: what a schema's grammar lets through is valid, always, and what cannot be held to is refused
// by its place. Method: random walks through the grammars of random schemas, judged by Ajv.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import formatsModule from "ajv-formats";
import { compileGrammar, GrammarError, schemaGrammar } from "../../src/grammar/mod.ts";
import { randomSchema, seeded } from "./_random_schemas.ts";
import { vocabulary, walk } from "./_walks.ts";

const runs = 150 * Number(process.env["SKEP_TEST_RUNS"] ?? "1");
const ajv = new Ajv2020({ strict: false });
// The types say that a CommonJS module is an object; it is the function.
(formatsModule as unknown as (validator: Ajv2020) => void)(ajv);

function walks(schema: unknown, count: number): unknown[] {
  const compiled = compileGrammar(schemaGrammar(schema), { vocabulary });
  const random = seeded(7);
  return Array.from({ length: count }, () => {
    const text = walk(compiled, { random, tokensMax: 3000 });
    assert.ok(text !== undefined, `the text has no end: ${JSON.stringify(schema)}`);
    return JSON.parse(text);
  });
}

test("Texts of random schemas end, parse, and are valid", () => {
  for (let seed = 0; seed < runs; seed++) {
    const schema = randomSchema(seed);
    const validate = ajv.compile(schema);
    for (const value of walks(schema, 4)) {
      assert.ok(
        validate(value),
        `seed ${seed}: ${JSON.stringify(schema)} has ${JSON.stringify(value)}: ${
          ajv.errorsText(validate.errors)
        }`,
      );
    }
  }
});

test("Every value of a small schema is reached", () => {
  const cases: readonly (readonly [unknown, readonly unknown[]])[] = [
    [{ type: "integer", minimum: -11, maximum: 2 }, Array.from({ length: 14 }, (_, i) => i - 11)],
    [{ type: "integer", exclusiveMinimum: 97, maximum: 102 }, [98, 99, 100, 101, 102]],
    [{ enum: ["a", 1, null, { b: [true] }] }, ["a", 1, null, { b: [true] }]],
    [{ type: ["boolean", "null"] }, [true, false, null]],
    [{ type: "string", pattern: "^(a|b)c?$" }, ["a", "b", "ac", "bc"]],
    [{ type: "array", items: { const: 1 }, maxItems: 2 }, [[], [1], [1, 1]]],
    [
      {
        type: "object",
        properties: { a: { const: 1 }, b: { const: 2 }, c: { const: 3 } },
        required: ["b"],
      },
      [{ b: 2 }, { a: 1, b: 2 }, { b: 2, c: 3 }, { a: 1, b: 2, c: 3 }],
    ],
    [
      { type: "array", prefixItems: [{ const: 1 }, { const: 2 }], items: false, minItems: 1 },
      [[1], [1, 2]],
    ],
  ];
  for (const [schema, values] of cases) {
    const seen = new Set(walks(schema, 400).map((value) => JSON.stringify(value)));
    assert.deepEqual(
      [...seen].sort(),
      values.map((value) => JSON.stringify(value)).sort(),
      JSON.stringify(schema),
    );
  }
});

test("A schema may refer to itself", () => {
  const schema = {
    $ref: "#/$defs/tree",
    $defs: {
      tree: {
        type: "object",
        properties: {
          leaf: { type: "boolean" },
          next: { anyOf: [{ $ref: "#/$defs/tree" }, { type: "null" }] },
        },
        required: ["leaf", "next"],
        additionalProperties: false,
      },
    },
  };
  const validate = ajv.compile(schema);
  for (const value of walks(schema, 30)) assert.ok(validate(value));
});

test("What cannot be held to is refused by its place and keyword", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [{ type: "array", items: {}, contains: { const: 1 } }, "/contains"],
    [{ type: "array", items: {}, uniqueItems: true }, "/uniqueItems"],
    [{ properties: { a: { not: {} } } }, "/properties/a/not"],
    [{ if: {}, then: {} }, "/if"],
    [{ patternProperties: {} }, "/patternProperties"],
    [{ type: "object", minProperties: 1 }, "/minProperties"],
    [{ properties: { "a/b": { type: "strange" } } }, "/properties/a~1b/type"],
    [{ type: "number", multipleOf: 0.5 }, "/multipleOf"],
    [{ type: "string", format: "uri" }, "/format"],
    [{ type: "string", pattern: "(?=a)b" }, "/pattern"],
    [{ type: "string", pattern: "a(" }, "/pattern"],
    [{ type: "string", pattern: "^a$", maxLength: 3 }, "/maxLength"],
    [{ type: "string", minLength: -1 }, "/minLength"],
    [{ type: "string", maxLength: 1_000_000 }, "/maxLength"],
    [{ type: "integer", minimum: "1" }, "/minimum"],
    [{ type: "integer", exclusiveMinimum: true }, "/exclusiveMinimum"],
    [{ $ref: "https://example.com/x" }, "/$ref"],
    [{ $ref: "#/$defs/none" }, "/$ref"],
    [{ allOf: [{}, {}] }, "/allOf"],
    [{ anyOf: [] }, "/anyOf"],
    [{ anyOf: [{}], minimum: 1 }, "/minimum"],
    [{ oneOf: [{ type: "integer" }, { type: "number" }] }, "/oneOf"],
    [
      { oneOf: [{ type: "string" }, { properties: { a: { type: "null" } }, required: ["a"] }] },
      "/oneOf",
    ],
    [{ oneOf: [{ type: "string" }, { minimum: 5, maximum: 9 }] }, "/oneOf"],
    [{ oneOf: [{ const: { a: 1, b: 2 } }, { const: { b: 2, a: 1 } }] }, "/oneOf"],
    [{ oneOf: [{ const: "a" }, { maxLength: 3 }] }, "/oneOf"],
    [{ oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, "/oneOf"],
    [{ items: [{}] }, "/items"],
    [{ properties: { a: { exclusiveMinimum: 1e-12, exclusiveMaximum: 2e-12 } } }, "/properties/a"],
    [
      { properties: { a: { minimum: 123456789012345.6, maximum: 123456789012345.9 } } },
      "/properties/a",
    ],
    [{ enum: [] }, "/enum"],
    [{ minimun: 1 }, "/minimun"],
    [{ properties: { a: 5 } }, "/properties/a"],
    [{ required: "a" }, "/required"],
  ];
  for (const [schema, path] of cases) {
    assert.throws(
      () => schemaGrammar(schema),
      (thrown) => {
        assert.ok(thrown instanceof GrammarError, String(thrown));
        assert.equal(thrown.code, "unsupported");
        assert.equal(thrown.path, path);
        assert.ok(thrown.message.includes(JSON.stringify(path)));
        return true;
      },
      JSON.stringify(schema),
    );
  }
});

test("A schema that nothing fits is refused before anything runs", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [false, ""],
    [{ type: "integer", minimum: 3, maximum: 2 }, "/minimum"],
    [{ type: "number", exclusiveMinimum: 2, maximum: 2 }, "/exclusiveMinimum"],
    [{ type: "string", minLength: 2, maxLength: 1 }, "/minLength"],
    [{ type: "array", minItems: 2, maxItems: 1 }, "/minItems"],
    [{ type: "array", items: false, minItems: 1 }, "/items"],
    [{ type: "object", properties: { a: false }, required: ["a"] }, "/properties/a"],
    [
      { type: "object", properties: {}, additionalProperties: false, required: ["a"] },
      "/properties/a",
    ],
    [{ $ref: "#" }, ""],
    [{ type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }, ""],
    [{ enum: [1, 2], type: "string" }, "/enum"],
    [{ items: { type: "string", pattern: "a[]" }, minItems: 1 }, "/items/pattern"],
    [{ anyOf: [{ const: 1, type: "string" }, false] }, "/anyOf/0/const"],
  ];
  schemaGrammar({ anyOf: [{ const: 1, type: "string" }, { type: "null" }] });
  for (const [schema, path] of cases) {
    assert.throws(
      () => schemaGrammar(schema),
      (thrown) =>
        thrown instanceof GrammarError && thrown.code === "unsatisfiable" &&
        thrown.path === path &&
        thrown.message.includes(path === "" ? "at its root" : JSON.stringify(path)),
      JSON.stringify(schema),
    );
  }
});

test("Schemas are bounded in length, depth and number", () => {
  let deep: unknown = {};
  for (let i = 0; i < 500; i++) deep = { items: deep };
  const long = { enum: ["x".repeat(300_000)] };
  const many = { anyOf: Array.from({ length: 20_000 }, () => true) };
  const wide = { anyOf: Array.from({ length: 20_000 }, () => ({})) };
  for (const schema of [deep, long, wide]) {
    assert.throws(
      () => schemaGrammar(schema),
      (thrown) => thrown instanceof GrammarError && thrown.code === "too-large",
    );
  }
  schemaGrammar(many);
});

test("A oneOf of too many schemas is refused with what to do, which then is held to", () => {
  const tagged = Array.from({ length: 3000 }, (_, tag) => ({
    type: "object",
    properties: { tag: { const: tag } },
    required: ["tag"],
  }));
  assert.throws(
    () => schemaGrammar({ oneOf: tagged }),
    (thrown) =>
      thrown instanceof GrammarError && thrown.code === "too-large" && thrown.path === "/oneOf" &&
      /needs more than 2000000 comparisons .*: use "anyOf" where no value fits two of them, or/
        .test(thrown.message),
  );
  schemaGrammar({ anyOf: tagged });
  schemaGrammar({ oneOf: tagged.slice(0, 1000) });
});

test("Names of members may look like anything", () => {
  const y = { type: "integer", minimum: 0, maximum: 9 };
  const x = { type: "object", properties: { x: { const: "t" } }, required: ["x"] };
  const first = { type: "array", prefixItems: [{ type: "boolean" }], minItems: 1, maxItems: 1 };
  const schemas = [
    { a: x, "a 0": { type: "object", properties: { y }, additionalProperties: y } },
    { a: first, "a 0": { type: "array", items: y, minItems: 2, maxItems: 2 } },
    { root: x, "#": { const: 1 }, "json-value": first },
  ].map((properties) => ({
    type: "object",
    properties,
    required: Object.keys(properties),
  }));
  for (const schema of schemas) {
    const validate = ajv.compile(schema);
    for (const value of walks(schema, 50)) {
      assert.ok(validate(value), `${JSON.stringify(schema)} has ${JSON.stringify(value)}`);
    }
  }
});

test("Large schemas are held to all the way", () => {
  const numbered = (count: number): string[] => Array.from({ length: count }, (_, i) => `v${i}`);
  const members = Object.fromEntries(numbered(400).map((name) => [name, { type: "null" }]));
  const kinds = numbered(500).map((kind) => ({
    type: "object",
    properties: { kind: { const: kind } },
    required: ["kind"],
  }));
  const isNumbered = (value: unknown): boolean => /^v\d{1,4}$/.test(String(value));
  const hasKind = (value: unknown): boolean => isNumbered((value as { kind: unknown }).kind);
  const hasMembers = (value: unknown): boolean => Object.keys(value as object).every(isNumbered);
  const cases: readonly (readonly [unknown, (value: unknown) => boolean])[] = [
    [{ enum: numbered(5000) }, isNumbered],
    [{ type: "object", properties: members }, hasMembers],
    [{ anyOf: kinds }, hasKind],
    [{ oneOf: kinds }, hasKind],
    [{ oneOf: numbered(3000).map((value) => ({ const: value })) }, isNumbered],
  ];
  for (const [schema, isValid] of cases) {
    for (const value of walks(schema, 2)) assert.ok(isValid(value), JSON.stringify(value));
  }
});

test("What would take too long or go too deep is refused before it does", () => {
  let list: unknown = 1;
  for (let i = 0; i < 100_000; i++) list = [list];
  const consts = Array.from({ length: 14_000 }, (_, i) => ({ const: i }));
  for (const schema of [{ const: list }, list, { oneOf: consts }]) {
    assert.throws(
      () => schemaGrammar(schema),
      (thrown) => thrown instanceof GrammarError && thrown.code === "too-large",
    );
  }
  const properties = { ["n".repeat(8_000)]: { type: "null" } };
  schemaGrammar({ type: "object", properties, additionalProperties: true });
});
