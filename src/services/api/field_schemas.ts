/**
 * Schemas that both endpoints' tables share. Their messages complete "Cannot use 'x' as ...".
 */
import * as v from "valibot";
import type { Field } from "./fields.ts";
import { logitBiasMax, stopCharactersMax, stopStringsMax } from "./limits.ts";

/** A schema whose input is anything. */
export type Schema<T> = v.GenericSchema<unknown, T>;

/** A finite number within [from, to]. */
export function numberWithin(
  range: { readonly from: number; readonly to: number },
): Schema<number> {
  const message = `it must be a number from ${range.from} to ${range.to}`;
  return v.pipe(
    v.number(message),
    v.minValue(range.from, message),
    v.maxValue(range.to, message),
  );
}

/** A boolean. */
export const boolean: Schema<boolean> = v.boolean("it must be true or false");

/** An array whose length is checked before its items. */
export function arrayOf<T>(
  item: Schema<T>,
  rules: {
    readonly message: string;
    readonly min?: readonly [count: number, message: string];
    readonly max: readonly [count: number, message: string];
  },
): Schema<T[]> {
  const { message, min: [min, minMessage] = [0, ""], max: [max, maxMessage] } = rules;
  return v.pipe(
    v.custom<unknown[]>((value) => Array.isArray(value), message),
    v.minLength(min, minMessage),
    v.maxLength(max, maxMessage),
    v.array(item),
  ) as Schema<T[]>;
}

/** Text of at most `max` characters. */
export function textUpTo(max: number): Schema<string> {
  const message = `it must be a string of at most ${max} characters`;
  return v.pipe(v.string(message), v.maxLength(max, message));
}

/** A field of which only values that ask for nothing are taken. */
export function nothingAsked(
  options: {
    /** Accepts exactly the harmless values. */
    readonly accepts: (value: unknown) => boolean;
    /** For example "logprobs are not returned by this release: send false or leave it out". */
    readonly message: string;
    readonly note: string;
  },
): Field<unknown> {
  return {
    use: "nothing-asked",
    note: options.note,
    schema: v.pipe(v.unknown(), v.check(options.accepts, options.message)),
  };
}

/** A field of which no value but null is taken. */
export function onlyNull(message: string): Field<unknown> {
  return nothingAsked({ accepts: () => false, message, note: "only `null`" });
}

/** Whether a value is one of a few. */
export function oneOf(...accepted: readonly unknown[]): (value: unknown) => boolean {
  return (value) => accepted.includes(value);
}

/** Whether a value is an array without elements. */
export function isEmptyArray(value: unknown): boolean {
  return Array.isArray(value) && value.length === 0;
}

const stopMessage =
  `each stop sequence must be a non-empty, well-formed string of at most ${stopCharactersMax} characters`;

const stopString: Schema<string> = v.pipe(
  v.string(stopMessage),
  v.minLength(1, stopMessage),
  v.maxLength(stopCharactersMax, stopMessage),
  v.check((text: string) => text.isWellFormed(), stopMessage),
);

const stopList: Schema<string[]> = arrayOf(stopString, {
  message: "it must be a string or an array of strings",
  max: [stopStringsMax, `it may hold at most ${stopStringsMax} strings`],
});

/** `stop`: a string or an array of strings; gives an array. */
export const stop: Schema<string[]> = v.lazy((input) =>
  typeof input === "string" ? v.pipe(stopString, v.transform((text: string) => [text])) : stopList
) as Schema<string[]>;

/** A schema for objects that arrays do not pass, which valibot's object schemas let through. */
export function notArray<T>(schema: Schema<T>, message: string): Schema<T> {
  return v.pipe(v.unknown(), v.check((value) => !Array.isArray(value), message), schema);
}

const biasMessage = "it must map token ids to numbers from -100 to 100";

/** `logit_bias`: token ids (as keys) to biases. Whether an id is of the model is checked later. */
export const logitBias: Schema<Record<string, number>> = notArray(
  v.pipe(
    v.unknown(),
    v.check(hasRecordKeys, biasMessage),
    v.record(
      v.pipe(v.string(biasMessage), v.regex(/^(0|[1-9]\d{0,8})$/, biasMessage)),
      v.pipe(v.number(biasMessage), v.minValue(-100, biasMessage), v.maxValue(100, biasMessage)),
      biasMessage,
    ),
    v.maxEntries(logitBiasMax, `it may name at most ${logitBiasMax} tokens`),
  ),
  biasMessage,
);

/** Whether a value has no key that valibot's records pass over in silence. */
function hasRecordKeys(value: unknown): boolean {
  return typeof value !== "object" || value === null ||
    !["__proto__", "prototype", "constructor"].some((key) => Object.hasOwn(value, key));
}

/** `stream_options`: what a stream adds. */
export const streamOptions: Schema<{ includeUsage: boolean }> = notArray(
  v.pipe(
    v.strictObject({
      include_usage: v.nullish(boolean),
      include_obfuscation: v.nullish(
        v.literal(false, "chunks are not padded by this release: send false or leave it out"),
      ),
    }, issueOfObject("include_usage and include_obfuscation")),
    v.transform((options) => ({ includeUsage: options.include_usage === true })),
  ),
  "it must be an object with include_usage and include_obfuscation",
);

/** The message for something that is no object, or has a field beyond those named. */
export function issueOfObject(names: string): (issue: v.BaseIssue<unknown>) => string {
  return (issue) => {
    if (issue.expected === "never") return `there is no such field, only ${names}`;
    // A missing key is reported with its quoted name as what was expected.
    if (issue.expected?.startsWith('"') === true) return "it is required";
    return `it must be an object with ${names}`;
  };
}
