/** Writes docs/RPC.md from the OpenRPC documents of a node's services. */
import type { JsonSchema, MethodDocument, OpenRpcDocument } from "../../src/kernel/mod.ts";

const HEAD = `<!-- deno-fmt-ignore-file -->

# The services' sockets

Each service of a node listens at \`<socket directory>/<service>/rpc.sock\` (directories 0700, sockets
0600) and speaks [JSON-RPC 2.0](https://www.jsonrpc.org/specification) in two framings, told apart by a
connection's first byte:

- **A letter begins HTTP/1.1.** \`POST /rpc\` (content type \`application/json\`) answers with status 200
  and the response, also when that is an error, or with 204 when there is nothing to answer.
  \`GET /health\`, \`GET /openrpc.json\` and \`GET /.well-known/heroservice.json\` say how and what the
  service is. Some methods are pages too: \`GET\` at their path calls them with the query as parameters
  and answers with the result, or with the status of its error.
- **0x00 begins a frame**: a length of 4 bytes, big-endian, then so many bytes of JSON, at most 8 MiB.
  Any number of messages goes over one connection, and answers come as they are ready.
- Anything else closes the connection.

Parameters are an object, or an array of them in the order of the tables below. \`rpc.discover\` answers
with the service's OpenRPC document, from which this page is made too. Errors "Parse error", "Invalid
Request" and "Method not found" have the standard's words; where these don't tell what was wrong, a
sentence is in \`data\`.

A method that is marked as a **stream** is called in frames only. Before its answer, each item comes as
a notification \`{"jsonrpc":"2.0","method":"rpc.stream","params":{"id":<the request's id>,"item":...}}\`;
the answer is \`{"items":<their count>}\`. A notification \`rpc.cancel\` with \`{"id":...}\` ends a call or
a stream of the same connection; so does closing it.

Of one connection, 64 frames or 16 MiB of them are worked on at the same time; the others wait unread. A
frame must be whole 60 seconds after its first byte, and answers must be read within 60 seconds.

From the command line:

\`\`\`sh
skep service list
skep service info journal
skep call journal journal.tail '{"count":3}'
curl --unix-socket "$XDG_RUNTIME_DIR/skep/control/rpc.sock" http://skep/openrpc.json
curl --unix-socket "$XDG_RUNTIME_DIR/skep/placement/rpc.sock" http://skep/admin/placement
\`\`\`

From a program, with the compiler's help:

\`\`\`ts
import { connectService, type inferenceContract } from "@skep/skep";

using inference = await connectService<typeof inferenceContract>({ path: ".../inference/rpc.sock" });
const { tokens } = await inference.call("tokenize", { text: "Once upon a time" });
\`\`\`

<!-- From here on this page is generated: run its test with SKEP_UPDATE_DOCS=1. -->
`;

/** The page. */
export function rpcPage(documents: ReadonlyMap<string, OpenRpcDocument>): string {
  const sections = [...documents].map(([service, { info, methods }]) => {
    const title = `## ${service}\n\n${info.description}\n`;
    return [title, ...methods.map(methodSection)].join("\n");
  });
  return `${HEAD}\n${sections.join("\n")}`;
}

function methodSection(method: MethodDocument): string {
  const rows = method.params.map(({ name, required, description = "", schema }) =>
    `| \`${name}\`${required === true ? "" : "?"} | ${cell(shape(schema))} | ${cell(description)} |`
  );
  const table = rows.length === 0
    ? []
    : ["", "| parameter | what it is | |", "| --- | --- | --- |", ...rows];
  const isStream = method["x-stream"] === true;
  const answer = isStream ? method["x-stream-item"] ?? {} : method.result.schema;
  const errors = method.errors.map(({ code }) => code).join(", ");
  return [
    `### ${method.name}${isStream ? " (stream)" : ""}`,
    "",
    method.summary,
    ...table,
    "",
    `${isStream ? "Each item" : "Answer"}: ${code(shape(answer))}. Errors: ${errors}.`,
    "",
  ].join("\n");
}

/** A schema in one line: \`{ a: number, b?: string }\`. */
function shape(schema: JsonSchema): string {
  const choices = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(choices)) return choices.map(shape).join(" or ");
  if ("const" in schema) return JSON.stringify(schema["const"]);
  if (Array.isArray(schema["enum"])) {
    return schema["enum"].map((one) => JSON.stringify(one)).join(" or ");
  }
  const { type } = schema;
  if (type === "array") return `[${shape(schema["items"] as JsonSchema ?? {})}, ...]`;
  if (type === "object") return objectShape(schema);
  const range = [
    ...limit(schema, "minimum", "from"),
    ...limit(schema, "maximum", "to"),
    ...limit(schema, "minLength", "of at least"),
    ...limit(schema, "maxLength", "of at most"),
  ].join(" ");
  const fallback = "default" in schema ? `default ${JSON.stringify(schema["default"])}` : "";
  return [typeof type === "string" ? type : "anything", range, fallback].filter(Boolean).join(" ");
}

function limit(schema: JsonSchema, keyword: string, word: string): string[] {
  const value = schema[keyword];
  return typeof value === "number" && Math.abs(value) < Number.MAX_SAFE_INTEGER
    ? [`${word} ${value}`]
    : [];
}

function objectShape(schema: JsonSchema): string {
  const properties = Object.entries(Object(schema["properties"]) as Record<string, JsonSchema>);
  const required = new Set([schema["required"]].flat());
  if (properties.length === 0) {
    const each = schema["additionalProperties"];
    return typeof each === "object" && each !== null
      ? `{ <name>: ${shape(each as JsonSchema)} }`
      : "{}";
  }
  const parts = properties.map(([name, one]) =>
    `${name}${required.has(name) ? "" : "?"}: ${shape(one)}`
  );
  return `{ ${parts.join(", ")} }`;
}

function code(text: string): string {
  return `\`${text}\``;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("<", "&lt;");
}
