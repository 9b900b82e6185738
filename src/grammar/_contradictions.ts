/**
 * Saying why nothing fits a schema, in the schema's own terms.
 */
import type { GrammarError } from "./errors.ts";
import { pointer, unsatisfiable } from "./_schema_reading.ts";
import type { SchemaObject } from "./_schema_reading.ts";

const bounds: readonly (readonly [low: string, high: string])[] = [
  ["minimum", "maximum"],
  ["minimum", "exclusiveMaximum"],
  ["exclusiveMinimum", "maximum"],
  ["exclusiveMinimum", "exclusiveMaximum"],
  ["minLength", "maxLength"],
  ["minItems", "maxItems"],
];

/** Why nothing fits a schema: its bounds, its values, or something within it. */
export function contradiction(schema: SchemaObject, path: string): GrammarError {
  for (const [low, high] of bounds) {
    const [from, to] = [schema[low], schema[high]];
    if (typeof from !== "number" || typeof to !== "number" || from < to) continue;
    const touches = !`${low}${high}`.includes("exclusive") && from === to;
    if (touches) continue;
    return unsatisfiable(pointer(path, low), `nothing is between ${from} and "${high}", ${to}`);
  }
  if (typeof schema["pattern"] === "string") {
    return unsatisfiable(pointer(path, "pattern"), "no text matches it");
  }
  const listed = ["const", "enum"].find((keyword) => Object.hasOwn(schema, keyword));
  if (listed === undefined) return unsatisfiable(path, "no value fits it");
  return unsatisfiable(pointer(path, listed), `no value of it is of the schema's "type"`);
}
