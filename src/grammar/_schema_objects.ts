/**
 * Objects of a schema: declared members in their order, then others where they are asked for.
 */
import { choice, empty, repeat, sequence } from "./expression.ts";
import type { Expression } from "./expression.ts";
import { json } from "./json_rules.ts";
import { keyNotAmong } from "./_schema_keys.ts";
import { repeatMax } from "./limits.ts";
import { countAt, pointer, refuse } from "./_schema_reading.ts";
import type { SchemaContext, SchemaObject } from "./_schema_reading.ts";

interface Place {
  readonly path: string;
  readonly context: SchemaContext;
}

interface Member {
  /** With its name and value, without a comma. */
  readonly expression: Expression;
  readonly required: boolean;
}

/** The objects of a schema. */
export function objectOf(schema: SchemaObject, place: Place): Expression {
  const { path, context } = place;
  const declared = propertiesOf(schema, path);
  const required = requiredOf(schema, path);
  const additional = schema["additionalProperties"];
  if (declared.size === 0 && required.length === 0 && additional === undefined) {
    const counts = ["minProperties", "maxProperties"].filter((key) => schema[key] !== undefined);
    if (counts.length === 0) return json.object;
  }
  for (const name of required) {
    // A member that must be there and was not declared is one of the additional ones.
    if (!declared.has(name)) declared.set(name, additional ?? true);
  }
  const members = [...declared].map(([name, value]): Member => ({
    expression: sequence(
      `${JSON.stringify(name)}:`,
      context.schema(value, pointer(pointer(path, "properties"), name)),
    ),
    required: required.includes(name),
  }));
  const others = othersOf(schema, { ...place, members, names: [...declared.keys()] });
  return sequence("{", membersOf(members, { ...place, others }), "}");
}

function propertiesOf(schema: SchemaObject, path: string): Map<string, unknown> {
  const properties = schema["properties"] ?? {};
  if (typeof properties !== "object" || Array.isArray(properties)) {
    throw refuse(pointer(path, "properties"), "it must be an object");
  }
  return new Map(Object.entries(properties));
}

function requiredOf(schema: SchemaObject, path: string): readonly string[] {
  const required = schema["required"] ?? [];
  const isNames = Array.isArray(required) && required.every((name) => typeof name === "string");
  if (isNames) return required as readonly string[];
  throw refuse(pointer(path, "required"), "it must be an array of names");
}

/** Members that are not declared, and how many of them there may be. */
interface Others {
  readonly member: Expression;
  readonly max: number | undefined;
}

function othersOf(
  schema: SchemaObject,
  options: Place & { readonly members: readonly Member[]; readonly names: readonly string[] },
): Others | undefined {
  const { path, context, members, names } = options;
  const requiredCount = members.filter(({ required }) => required).length;
  const min = countAt(schema, "minProperties", { path, max: repeatMax }) ?? 0;
  if (min > requiredCount) {
    throw refuse(
      pointer(path, "minProperties"),
      `more members than are required (${requiredCount}) are not held to by this release`,
    );
  }
  const max = countAt(schema, "maxProperties", { path, max: repeatMax });
  if (max !== undefined && max < members.length) {
    throw refuse(
      pointer(path, "maxProperties"),
      `fewer members than are declared (${members.length}) are not held to by this release`,
    );
  }
  const additional = schema["additionalProperties"];
  const isFree = additional === undefined && names.length === 0;
  if (additional === false || (additional === undefined && !isFree)) return undefined;
  const value = context.schema(additional ?? true, pointer(path, "additionalProperties"));
  const key = keyNotAmong(names, context);
  const member = context.addRule("member", sequence('"', key, ":", value));
  return { member, max: max === undefined ? undefined : max - members.length };
}

/**
 * All members, from the last to the first. `after` is what may follow a member, `first` what may be
 * where no member was yet.
 */
function membersOf(
  members: readonly Member[],
  { context, others }: Place & { readonly others: Others | undefined },
): Expression {
  const none = others === undefined || others.max === 0;
  let after: Expression = none ? empty : repeat(sequence(",", others.member), 0, others.max);
  let first: Expression = none ? empty : choice(
    empty,
    sequence(
      others.member,
      repeat(
        sequence(",", others.member),
        0,
        others.max === undefined ? undefined : others.max - 1,
      ),
    ),
  );
  for (const { expression, required } of members.toReversed()) {
    const member = context.addRule("member", expression);
    const here = sequence(member, after);
    const next = sequence(",", member, after);
    first = context.addRule("first", required ? here : choice(here, first));
    after = context.addRule("after", required ? next : choice(next, after));
  }
  return first;
}
