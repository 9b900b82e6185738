/**
 * `tools`, `tool_choice` and `response_format`: what an answer may call, and what it must be.
 */
import * as v from "valibot";
import { isNestedDeeper, nestingMax } from "../../grammar/mod.ts";
import type { Tool } from "../inference/mod.ts";
import { arrayOf, boolean, issueOfObject, notArray, textUpTo } from "./field_schemas.ts";
import type { Schema } from "./field_schemas.ts";
import { toolsMax } from "./limits.ts";

const nameMessage = "it must be 1 to 64 letters, digits and _ . -";

const name: Schema<string> = v.pipe(
  v.string(nameMessage),
  v.regex(/^[A-Za-z0-9_.-]{1,64}$/, nameMessage),
);

const nested = v.check(
  (value: unknown) => !isNestedDeeper(value, nestingMax),
  `it must be nested at most ${nestingMax} deep`,
);

const jsonObject: Schema<unknown> = notArray(
  v.pipe(
    v.unknown(),
    nested,
    v.check((value) => typeof value === "object" && value !== null, "it must be a JSON schema"),
  ),
  "it must be a JSON schema",
);

const functionTool = v.pipe(
  v.strictObject({
    type: v.literal("function", "only functions are called by this release: it must be function"),
    function: v.strictObject({
      name,
      description: v.nullish(textUpTo(65_536)),
      parameters: v.nullish(jsonObject),
      strict: v.nullish(boolean),
    }, issueOfObject("name, description, parameters and strict")),
  }, issueOfObject("type and function")),
  v.transform(({ function: given }): Tool => ({
    name: given.name,
    ...(typeof given.description === "string" ? { description: given.description } : {}),
    ...(given.parameters === undefined || given.parameters === null
      ? {}
      : { parameters: given.parameters }),
    strict: given.strict === true,
  })),
);

/** `tools`: functions of different names. */
export const tools: Schema<Tool[]> = v.pipe(
  arrayOf(functionTool, {
    message: "it must be an array of functions",
    max: [toolsMax, `it may hold at most ${toolsMax} functions`],
  }),
  v.check(
    (given: Tool[]) => new Set(given.map((tool) => tool.name)).size === given.length,
    "its functions must have different names",
  ),
) as Schema<Tool[]>;

/** Whether something may be called, must be, or which. */
export type ToolChoice = "none" | "auto" | "required" | { readonly name: string };

const choiceMessage = "it must be none, auto, required or a function by its name";

const namedChoice = v.pipe(
  v.strictObject({
    type: v.literal("function", choiceMessage),
    function: v.strictObject({ name }, issueOfObject("name")),
  }, issueOfObject("type and function")),
  v.transform((given): ToolChoice => ({ name: given.function.name })),
);

/** `tool_choice`. */
export const toolChoice: Schema<ToolChoice> = v.lazy((input) =>
  typeof input === "object" ? namedChoice : v.picklist(["none", "auto", "required"], choiceMessage)
) as Schema<ToolChoice>;

/** What the text of an answer must be; undefined for any. */
export type ResponseFormat =
  | { readonly kind: "json" }
  | { readonly kind: "schema"; readonly schema: unknown }
  | undefined;

const formatMessage = "it must be text, json_object or json_schema";

const schemaMessage = "it must be a JSON schema: for any JSON object send type json_object";

const schemaFormat = v.pipe(
  v.strictObject({
    type: v.literal("json_schema"),
    json_schema: v.strictObject({
      name,
      description: v.nullish(textUpTo(65_536)),
      schema: v.pipe(
        v.unknown(),
        // OpenAI's reference lets it be left out, and its API does not: code missing_required_parameter.
        v.check((value) => value !== null && value !== undefined, schemaMessage),
        nested,
      ),
      strict: v.nullish(boolean),
    }, issueOfObject("name, description, schema and strict")),
  }, issueOfObject("type and json_schema")),
  v.transform(({ json_schema: { schema } }): ResponseFormat => ({ kind: "schema", schema })),
);

const plainFormat = v.pipe(
  v.strictObject(
    { type: v.picklist(["text", "json_object"], formatMessage) },
    issueOfObject("type"),
  ),
  v.transform(({ type }): ResponseFormat => type === "text" ? undefined : { kind: "json" }),
);

/** `response_format`. */
export const responseFormat: Schema<ResponseFormat> = v.lazy((input) => {
  const type = typeof input === "object" && input !== null
    ? (input as { readonly type?: unknown }).type
    : undefined;
  return type === "json_schema" ? schemaFormat : plainFormat;
}) as Schema<ResponseFormat>;
