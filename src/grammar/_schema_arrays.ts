/**
 * Arrays of a schema.
 */
import { choice, empty, repeat, sequence } from "./expression.ts";
import type { Expression } from "./expression.ts";
import { json } from "./json_rules.ts";
import { repeatMax } from "./limits.ts";
import { countAt, listAt, pointer, refuse } from "./_schema_reading.ts";
import type { SchemaContext, SchemaObject } from "./_schema_reading.ts";

/** The arrays of a schema. */
export function arrayOf(
  schema: SchemaObject,
  { path, context }: { readonly path: string; readonly context: SchemaContext },
): Expression {
  if ((schema["uniqueItems"] ?? false) !== false) {
    throw refuse(pointer(path, "uniqueItems"), "it is not held to by this release");
  }
  const min = countAt(schema, "minItems", { path, max: repeatMax }) ?? 0;
  const max = countAt(schema, "maxItems", { path, max: repeatMax });
  if (Array.isArray(schema["items"])) {
    throw refuse(pointer(path, "items"), `a list of schemas goes into "prefixItems"`);
  }
  const first = schema["prefixItems"] === undefined ? [] : listAt(schema, "prefixItems", path);
  const prefix = first.map((item, i) =>
    context.schema(item, pointer(pointer(path, "prefixItems"), String(i)))
  );
  const rest = schema["items"] === undefined
    ? json.value
    : context.schema(schema["items"], pointer(path, "items"));
  return sequence("[", listed({ prefix, rest, min, max, context }), "]");
}

interface Listed {
  readonly prefix: readonly Expression[];
  readonly rest: Expression;
  readonly min: number;
  readonly max: number | undefined;
  readonly context: SchemaContext;
}

/** From the last item to the first: each is either the end or an item and what follows it. */
function listed({ prefix, rest, min, max = Infinity, context }: Listed): Expression {
  if (min > max) return choice();
  const item = context.addRule("items", rest);
  const count = Math.min(prefix.length, max);
  const restMin = Math.max(0, min - count);
  const restMax = max === Infinity ? undefined : max - count;
  let following: Expression = restMax === 0 ? empty : repeat(sequence(",", item), restMin, restMax);
  for (let i = count - 1; i >= 0; i--) {
    const one = prefix[i] ?? empty;
    const taken = sequence(...(i === 0 ? [] : [","]), one, following);
    const mayEnd = i >= min;
    following = context.addRule(
      "items",
      mayEnd ? choice(taken, empty) : taken,
    );
  }
  if (count > 0) return following;
  if (restMax === 0) return empty;
  const more = restMax === undefined ? undefined : restMax - 1;
  const some = sequence(item, repeat(sequence(",", item), Math.max(0, restMin - 1), more));
  return restMin === 0 ? choice(some, empty) : some;
}
