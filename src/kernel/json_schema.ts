/**
 * JSON Schema (draft 7) of a method's schemas, and the names of its parameters.
 *
 * valibot's schemas are translated by its own converter; another library's by the JSON Schema part of
 * Standard Schema, where it has one. What neither can say becomes "anything".
 */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { toJsonSchema } from "@valibot/to-json-schema";
import type { GenericSchema } from "valibot";
import type { JsonSchema } from "./openrpc_types.ts";

const known = new WeakMap<object, JsonSchema>();

/** The JSON Schema of what `schema` accepts. */
export function jsonSchemaOf(schema: StandardSchemaV1): JsonSchema {
  let found = known.get(schema);
  if (found === undefined) {
    const { $schema: _, ...rest } = translate(schema);
    found = rest;
    known.set(schema, found);
  }
  return found;
}

/** The properties of parameters that are an object: those that are required first, else in their order. */
export function parameterNames(schema: JsonSchema): readonly string[] | undefined {
  const { type, properties } = schema;
  if (type !== "object" || typeof properties !== "object" || properties === null) return undefined;
  const required = new Set(Array.isArray(schema["required"]) ? schema["required"] : []);
  const names = Object.keys(properties);
  return [
    ...names.filter((name) => required.has(name)),
    ...names.filter((name) => !required.has(name)),
  ];
}

function translate(schema: StandardSchemaV1): JsonSchema {
  const standard = schema["~standard"];
  if (standard.vendor === "valibot") {
    const options = { typeMode: "input", errorMode: "ignore" } as const;
    return toJsonSchema(schema as unknown as GenericSchema, options) as JsonSchema;
  }
  const converter: unknown = Reflect.get(Object(Reflect.get(standard, "jsonSchema")), "input");
  if (typeof converter !== "function") return {};
  try {
    return converter({ target: "draft-07" }) as JsonSchema;
  } catch {
    // The specification lets a converter refuse what JSON Schema can't say.
    return {};
  }
}
