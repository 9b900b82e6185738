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
    [{ oneOf: [{ properties: { a: {} } }, { properties: { b: {} } }] }, "/oneOf"],
    [{ items: [{}] }, "/items"],
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
  const schemas = [
    false,
    { type: "integer", minimum: 3, maximum: 2 },
    { type: "string", minLength: 2, maxLength: 1 },
    { type: "array", items: false, minItems: 1 },
    { type: "object", properties: { a: false }, required: ["a"] },
    { type: "object", properties: {}, additionalProperties: false, required: ["a"] },
    { $ref: "#" },
    { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
    { enum: [1, 2], type: "string" },
  ];
  for (const schema of schemas) {
    assert.throws(
      () => compileGrammar(schemaGrammar(schema), { vocabulary }),
      (thrown) => thrown instanceof GrammarError && thrown.code === "unsatisfiable",
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
