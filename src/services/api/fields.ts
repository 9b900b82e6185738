/**
 * Request bodies as tables of fields: each field says what is done with it, and whatever is not in
 * the table is refused by name. docs/API.md and the tests are checked against the same tables.
 */
import * as v from "valibot";
import { ApiError } from "./api_error.ts";
import { shownCharactersMax } from "./limits.ts";

/**
 * What is done with a field:
 * - `honoured`: it does what OpenAI documents;
 * - `extension`: it is this API's own, documented in docs/API.md;
 * - `identifier`: a name for the caller's own books; it is checked and has no effect here;
 * - `nothing-asked`: only values that ask for nothing are taken, any other is refused.
 */
export type FieldUse = "honoured" | "extension" | "identifier" | "nothing-asked";

/** One field of a body. */
export interface Field<T = unknown> {
  readonly use: FieldUse;
  /** Accepted values and meaning, for docs/API.md. */
  readonly note: string;
  /** Whether a body without it is refused. `null` counts as absent. */
  readonly required?: boolean;
  /** Issue messages complete the sentence "Cannot use 'x' as ...". */
  readonly schema: v.GenericSchema<unknown, T>;
}

/** The fields of one endpoint. */
export type Fields = Readonly<Record<string, Field>>;

/** Values by field; absent ones are undefined. */
export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T | undefined : never;
};

/**
 * Reads a body by its table.
 *
 * @throws {ApiError} 400 naming the first field that is unknown, missing or not acceptable
 */
export function readFields<F extends Fields>(fields: F, body: unknown): Values<F> {
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw refusal(undefined, `Cannot read the body as it must be a JSON object`, body);
  }
  const given = body as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(fields, name)) throw unknownField(name);
  }
  const values: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    values[name] = readField(field, name, Object.hasOwn(given, name) ? given[name] : undefined);
  }
  return values as Values<F>;
}

function readField(field: Field, name: string, value: unknown): unknown {
  if (value === undefined || value === null) {
    if (field.required !== true) return undefined;
    throw new ApiError({
      status: 400,
      code: "missing_required_parameter",
      param: name,
      message: `Cannot answer the request as '${name}' is missing`,
    });
  }
  // The first issue is the answer; collecting those of a million elements would take seconds.
  const parsed = v.safeParse(field.schema, value, { abortEarly: true });
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const param = name + pathOf(issue);
  throw refusal(param, `Cannot use '${param}' as ${issue.message}`, valueOf(issue, value));
}

function unknownField(name: string): ApiError {
  return new ApiError({
    status: 400,
    code: "unknown_parameter",
    param: cut(name),
    message: `Cannot use ${shown(name)} as this API has no such field: leave it out`,
  });
}

function refusal(param: string | undefined, sentence: string, value: unknown): ApiError {
  return new ApiError({
    status: 400,
    code: "invalid_value",
    param,
    message: `${sentence}: current value is ${shown(value)}`,
  });
}

/** Where in the field the issue is: "[0].content". */
function pathOf(issue: v.BaseIssue<unknown>): string {
  return (issue.path ?? [])
    .map(({ key }) => typeof key === "number" ? `[${key}]` : `.${cut(String(key))}`)
    .join("");
}

/** The value at the issue's path; for an unknown key of an object valibot reports the key. */
function valueOf(issue: v.BaseIssue<unknown>, whole: unknown): unknown {
  const last = issue.path?.at(-1);
  return last === undefined ? whole : last.value;
}

/** A value as an error message shows it: JSON, cut, without control characters. */
export function shown(value: unknown): string {
  if (value === undefined) return "absent";
  // A number of JSON that is beyond f64, such as 1e400; as JSON it would be null.
  if (value === Infinity || value === -Infinity) return String(value);
  return cut(jsonOf(value));
}

function cut(text: string): string {
  return text.length <= shownCharactersMax
    ? text
    : `${text.slice(0, shownCharactersMax).toWellFormed()}...`;
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    // Nested too deeply to be written down.
    return Array.isArray(value) ? "an array" : "an object";
  }
}
