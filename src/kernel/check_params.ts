/** Checks a call's parameters by its method's schema, and says every violation with its place. */
import type { StandardSchemaV1 } from "@standard-schema/spec";
import { jsonSchemaOf, parameterNames } from "./json_schema.ts";
import { RpcError } from "./rpc_error.ts";

/** Violations that a message lists; the rest is counted. */
const ISSUES_MAX = 20;

/**
 * Checks and converts parameters. An array stands for the named ones in their order, unless the method
 * takes an array itself.
 *
 * @param options `method` is named in the message
 * @throws {RpcError} "invalidParams" whose message and data list each violation with its path
 */
export async function checkParams(
  params: unknown,
  options: { readonly method: string; readonly schema: StandardSchemaV1 },
): Promise<unknown> {
  const result = await options.schema["~standard"].validate(named(params, options));
  if (result.issues === undefined) return result.value;
  const issues = result.issues.slice(0, ISSUES_MAX)
    .map((issue) => ({ path: pathText(issue.path), message: issue.message }));
  const listed = issues.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const more = result.issues.length - issues.length;
  throw new RpcError({
    kind: "invalidParams",
    message: `Cannot call "${options.method}" as its parameters are invalid: ${listed}` +
      (more > 0 ? `; and ${more} more` : ""),
    data: { issues },
  });
}

/** Parameters by position become parameters by name; what has no names stays as it is. */
function named(
  params: unknown,
  options: { readonly method: string; readonly schema: StandardSchemaV1 },
): unknown {
  if (!Array.isArray(params)) return params;
  const names = parameterNames(jsonSchemaOf(options.schema));
  if (names === undefined) return params;
  if (params.length > names.length) {
    throw new RpcError({
      kind: "invalidParams",
      message: `Cannot call "${options.method}" as it takes at most ${names.length} parameters: ` +
        `current count is ${params.length}`,
    });
  }
  return Object.fromEntries(params.map((value, i) => [names[i] ?? "", value]));
}

/** "messages[0].role" for ["messages", 0, "role"]; "params" for the whole. */
function pathText(path: StandardSchemaV1.Issue["path"]): string {
  let text = "";
  for (const segment of path ?? []) {
    const key = typeof segment === "object" ? segment.key : segment;
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? String(key) : `.${String(key)}`;
  }
  return text === "" ? "params" : text;
}
