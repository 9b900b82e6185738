/**
 * JSON-RPC 2.0 without any I/O: text in, calls out; outcomes in, text out.
 *
 * Follows https://www.jsonrpc.org/specification. Where the standard leaves room: an `id` that is
 * present, null included, makes a request and an absent one a notification; an integer id beyond
 * 2^53-1 is refused, since it could not be echoed exactly; members that the standard does not name
 * are passed over. Not a transport: http_rpc.ts carries it.
 */

/** The `error` member of a response. */
export interface JsonRpcErrorBody {
  readonly code: number;
  readonly message: string;
  /** JSON-able detail; left out when undefined. */
  readonly data?: unknown;
}

/** The id of a request; `undefined` stands for a notification. */
export type JsonRpcId = string | number | null;

/** One call that was found in a message. */
export interface JsonRpcCall {
  readonly kind: "call";
  /** What the response carries; `undefined` for a notification, which gets no response. */
  readonly id: JsonRpcId | undefined;
  readonly method: string;
  /** An array, an object, or `undefined` when the member is absent. */
  readonly params: unknown;
}

/** Something in a message that is no call; answered with `error`. */
export interface JsonRpcRefusal {
  readonly kind: "refusal";
  readonly id: JsonRpcId;
  readonly error: JsonRpcErrorBody;
}

/** A message: its items in their order, and whether they came (and go back) as an array. */
export interface JsonRpcMessage {
  readonly batch: boolean;
  readonly items: readonly (JsonRpcCall | JsonRpcRefusal)[];
}

/** What became of a call. */
export type JsonRpcOutcome =
  | { readonly result: unknown }
  | { readonly error: JsonRpcErrorBody };

/** The codes of section 5.1 of the standard. */
export const JSON_RPC_CODES = {
  parse: -32700,
  invalidRequest: -32600,
  methodNotFound: -32601,
  invalidParams: -32602,
  internal: -32603,
} as const;

/**
 * What the standard calls these errors, in its section 5.1 and as its examples print them. Where these
 * words don't tell what was wrong, a sentence is in `data`.
 */
export const JSON_RPC_MESSAGES: Readonly<Record<number, string>> = {
  [JSON_RPC_CODES.parse]: "Parse error",
  [JSON_RPC_CODES.invalidRequest]: "Invalid Request",
  [JSON_RPC_CODES.methodNotFound]: "Method not found",
};

/** Calls in one batch, when nothing else is said. */
export const BATCH_CALLS_MAX = 100;

/** Reads a message; what is wrong with it becomes refusals, so this never throws. */
export function parseJsonRpc(
  text: string,
  options: { readonly batchCallsMax?: number } = {},
): JsonRpcMessage {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return single(refuse("parse"));
  }
  if (!Array.isArray(value)) return single(parseItem(value));
  const callsMax = options.batchCallsMax ?? BATCH_CALLS_MAX;
  if (value.length === 0) return single(refuse("invalidRequest"));
  if (value.length > callsMax) {
    const limit = `a batch holds at most ${callsMax} calls: current value is ${value.length}`;
    return single(refuse("invalidRequest", { sentence: `Cannot run the batch as ${limit}` }));
  }
  return { batch: true, items: value.map(parseItem) };
}

/**
 * Runs every call of a message, those of a batch at the same time, and writes the response.
 *
 * @param run never rejects; what it answers for a notification is dropped, as the standard asks
 * @returns the response's JSON text, or `undefined` when nothing is to be answered
 */
export async function answerJsonRpc(
  message: JsonRpcMessage,
  run: (call: JsonRpcCall) => Promise<JsonRpcOutcome>,
): Promise<string | undefined> {
  const answers = await Promise.all(message.items.map(async (item) => {
    if (item.kind === "refusal") return encodeResponse(item.id, { error: item.error });
    const outcome = await run(item);
    return item.id === undefined ? undefined : encodeResponse(item.id, outcome);
  }));
  const texts = answers.filter((text) => text !== undefined);
  if (texts.length === 0) return undefined;
  return message.batch ? `[${texts.join(",")}]` : texts[0];
}

/** Writes one response; a result that is not JSON-able becomes an internal error. */
export function encodeResponse(id: JsonRpcId, outcome: JsonRpcOutcome): string {
  const head = `{"jsonrpc":"2.0","id":${JSON.stringify(id)}`;
  if ("error" in outcome) return `${head},"error":${encodeError(outcome.error)}}`;
  try {
    return `${head},"result":${JSON.stringify(outcome.result ?? null) ?? "null"}}`;
  } catch (thrown) {
    const message = `Cannot send the result as it is not JSON-able: ${said(thrown)}`;
    return `${head},"error":${encodeError({ code: JSON_RPC_CODES.internal, message })}}`;
  }
}

/** Writes one request, or a notification when `id` is undefined. */
export function encodeRequest(
  call: { readonly id?: JsonRpcId; readonly method: string; readonly params?: unknown },
): string {
  const { id, method, params } = call;
  return JSON.stringify({
    jsonrpc: "2.0",
    ...(id === undefined ? {} : { id }),
    method,
    ...(params === undefined ? {} : { params }),
  });
}

/**
 * Reads the response to the request `id`.
 *
 * @throws {SyntaxError} when the text is not a response to that request
 */
export function parseResponse(text: string, id: JsonRpcId): JsonRpcOutcome {
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || value["jsonrpc"] !== "2.0") {
    throw new SyntaxError("Cannot read the response as it is not JSON-RPC 2.0");
  }
  const { error, id: echoed } = value;
  if (isErrorBody(error) && (echoed === id || echoed === null)) return { error };
  if (echoed === id && Object.hasOwn(value, "result")) return { result: value["result"] };
  throw new SyntaxError(
    `Cannot read the response as it does not answer the request: current id is ${
      JSON.stringify(echoed)
    }`,
  );
}

function parseItem(value: unknown): JsonRpcCall | JsonRpcRefusal {
  if (!isRecord(value)) return refuse("invalidRequest");
  const { id, method, params } = value;
  const idGiven = Object.hasOwn(value, "id");
  if (idGiven && !isId(id)) {
    const rule = "'id' must be a string, a number that JSON keeps exactly, or null";
    return refuse("invalidRequest", { sentence: `Cannot run the request as ${rule}` });
  }
  const echo = idGiven && isId(id) ? id : null;
  if (value["jsonrpc"] !== "2.0" || typeof method !== "string") {
    return refuse("invalidRequest", { id: echo });
  }
  if (Object.hasOwn(value, "params") && (typeof params !== "object" || params === null)) {
    const rule = "'params' must be an array or an object";
    return refuse("invalidRequest", { id: echo, sentence: `Cannot run the request as ${rule}` });
  }
  return { kind: "call", id: idGiven && isId(id) ? id : undefined, method, params };
}

function single(item: JsonRpcCall | JsonRpcRefusal): JsonRpcMessage {
  return { batch: false, items: [item] };
}

function refuse(
  name: "parse" | "invalidRequest",
  options: { readonly id?: JsonRpcId; readonly sentence?: string } = {},
): JsonRpcRefusal {
  const { id = null, sentence: data } = options;
  const code = JSON_RPC_CODES[name];
  const error = { code, message: JSON_RPC_MESSAGES[code] ?? "" };
  return { kind: "refusal", id, error: data === undefined ? error : { ...error, data } };
}

function encodeError(error: JsonRpcErrorBody): string {
  const { code, message } = error;
  if (error.data === undefined) return JSON.stringify({ code, message });
  try {
    return JSON.stringify({ code, message, data: error.data });
  } catch {
    // The detail is not JSON-able; the code and the sentence are what the standard requires.
    return JSON.stringify({ code, message });
  }
}

function isId(value: unknown): value is JsonRpcId {
  if (typeof value !== "number") return value === null || typeof value === "string";
  return Number.isFinite(value) && Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}

function isErrorBody(value: unknown): value is JsonRpcErrorBody {
  return isRecord(value) && typeof value["code"] === "number" &&
    typeof value["message"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function said(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
