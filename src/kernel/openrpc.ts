/**
 * The documents that say what a service is: OpenRPC 1.3.2 (https://spec.open-rpc.org), made of the same
 * schemas that check the parameters, and the discovery document of `heroservice.json`.
 */
import { jsonSchemaOf, parameterNames } from "./json_schema.ts";
import type { CallContract, Contract, StreamContract } from "./method.ts";
import type {
  ContentDescriptor,
  DiscoveryDocument,
  JsonSchema,
  MethodDocument,
  OpenRpcDocument,
} from "./openrpc_types.ts";
import { rpcCodes } from "./rpc_error.ts";
import type { RpcErrorName } from "./rpc_error.ts";

/** Whom a document is about. */
export interface DocumentSubject {
  readonly service: string;
  readonly version: string;
  /** One sentence. */
  readonly description: string;
}

/** What each error means, for the documents. */
const errorMeanings: Readonly<Record<RpcErrorName, string>> = {
  parse: "Parse error",
  invalidRequest: "Invalid Request",
  methodNotFound: "Method not found",
  invalidParams: "The parameters do not fit the schema",
  internal: "The service failed in the method",
  unavailable: "The service is not ready, or is stopping",
  busy: "A limit was reached; a later try may succeed",
  cancelled: "The caller went away or cancelled",
  notFound: "What the parameters name does not exist",
  deadline: "The deadline has passed",
};

/** Errors that every method may answer with. */
const commonErrors: readonly RpcErrorName[] = ["invalidParams", "unavailable", "busy", "internal"];

/** The answer that ends a stream, once its items have gone before it as notifications. */
const streamEnd: JsonSchema = {
  type: "object",
  properties: { items: { type: "integer", minimum: 0 } },
  required: ["items"],
  additionalProperties: false,
};

/** The OpenRPC document of these methods, in the order of their names. */
export function openRpcDocument(subject: DocumentSubject, methods: Contract): OpenRpcDocument {
  const { service, version, description } = subject;
  const names = Object.keys(methods).sort();
  return {
    openrpc: "1.3.2",
    info: { title: titleOf(service), version, description },
    methods: names.flatMap((name) => {
      const method = methods[name];
      return method === undefined ? [] : [describeMethod(name, method)];
    }),
  };
}

/** The discovery document of a service. */
export function discoveryDocument(subject: DocumentSubject): DiscoveryDocument {
  const { service: name, version, description } = subject;
  return { protocol: "openrpc", name, title: titleOf(name), version, description, socket: "rpc" };
}

/** A method's part of its service's document. */
export function describeMethod(
  name: string,
  method: CallContract | StreamContract,
): MethodDocument {
  if (method.document !== undefined) return method.document;
  const { summary, kind } = method;
  const answer = method.result === undefined ? {} : jsonSchemaOf(method.result);
  const errors = [...new Set([...commonErrors, ...method.errors ?? []])];
  const isStream = kind === "stream";
  return {
    name,
    summary,
    ...describeParameters(jsonSchemaOf(method.params)),
    result: { name: "result", schema: isStream ? streamEnd : answer },
    errors: errors.map((error) => ({ code: rpcCodes[error], message: errorMeanings[error] })),
    ...(isStream ? { "x-stream": true, "x-stream-item": answer } : {}),
  };
}

function describeParameters(schema: JsonSchema): Pick<MethodDocument, "params" | "paramStructure"> {
  const names = parameterNames(schema);
  if (names === undefined) {
    // Not an object: the parameters are one value, which is sent as it is.
    return { paramStructure: "by-position", params: [{ name: "params", schema }] };
  }
  const properties = schema["properties"] as Readonly<Record<string, JsonSchema>>;
  const required = new Set(schema["required"] as readonly string[] | undefined ?? []);
  const params = names.map((name): ContentDescriptor => {
    const { description, ...own } = properties[name] ?? {};
    return {
      name,
      ...(typeof description === "string" ? { description } : {}),
      required: required.has(name),
      schema: own,
    };
  });
  return { paramStructure: "either", params };
}

function titleOf(service: string): string {
  return `Skep ${service}`;
}
