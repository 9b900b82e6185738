/**
 * The HTTP face of a service's `rpc.sock`: `POST /rpc` (JSON-RPC 2.0), `GET /health`, the documents
 * that say what the service is, and pages: methods that GET calls too, with the query as parameters.
 *
 * Every JSON-RPC answer has status 200, errors included; other statuses mean that no JSON-RPC
 * message was read, or a page's error. Not a server: serve_http.ts carries it.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { isJsonContentType, readBody, sendJson } from "./http_body.ts";
import { answerJsonRpc, parseJsonRpc } from "./json_rpc.ts";
import type { RpcRunner } from "./rpc_face.ts";
import { WireError } from "./wire_error.ts";

/** Longest request body when nothing else is said, 8 MiB: what a frame may hold too. */
export const RPC_BODY_BYTES_MAX: number = 8 * 2 ** 20;

/** What `rpcOverHttp` needs. */
export interface HttpRpcOptions {
  readonly service: string;
  readonly version: string;
  /** Runs the calls; there is one answer to each, so streams can't be had here. */
  readonly run: RpcRunner;
  /** JSON documents by their path, made when they are asked for. */
  readonly documents?: Readonly<Record<string, () => unknown>>;
  /** Methods by the paths at which GET calls them. */
  readonly pages?: () => Readonly<Record<string, string>>;
  /** @default {8388608} */
  readonly bodyBytesMax?: number;
  /** @default {100} */
  readonly batchCallsMax?: number;
}

/** Makes the request handler of one service. */
export function rpcOverHttp(
  options: HttpRpcOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    const [path = "", query = ""] = (request.url ?? "").split("?", 2);
    if (path === "/rpc") return void answerRpc(request, response, options);
    const pages = options.pages?.() ?? {};
    const method = Object.hasOwn(pages, path) ? pages[path] : undefined;
    if (method !== undefined) {
      if (request.method !== "GET" && request.method !== "HEAD") {
        return refuseMethod(response, { path, allowed: "GET" });
      }
      return void answerPage(response, { method, query, options });
    }
    const { service, version } = options;
    const documents: HttpRpcOptions["documents"] = {
      ...options.documents,
      "/health": () => ({ status: "ok", service, version }),
    };
    const found = Object.keys(documents).find((known) => known === path);
    const document = found === undefined ? undefined : documents[found];
    if (found === undefined || document === undefined) {
      const known = ["/rpc", ...Object.keys(documents), ...Object.keys(pages)].join(", ");
      return refuse(response, 404, `Cannot find "${path}" as this socket serves ${known}`);
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      return refuseMethod(response, { path: found, allowed: "GET" });
    }
    sendJson(response, { status: 200, body: document() });
  };
}

/** What a method answers, by itself; its error with a status that says what kind it is. */
async function answerPage(
  response: ServerResponse,
  page: { readonly method: string; readonly query: string; readonly options: HttpRpcOptions },
): Promise<void> {
  const { method, query, options } = page;
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort(new WireError(clientGone));
  });
  const params = Object.fromEntries(new URLSearchParams(query));
  const call = { kind: "call", id: null, method, params } as const;
  const outcome = await options.run(call, { signal: gone.signal });
  if (response.destroyed) return;
  if ("result" in outcome) return sendJson(response, { status: 200, body: outcome.result });
  const { code, message, data } = outcome.error;
  const error = typeof data === "string" ? data : message;
  sendJson(response, { status: pageStatus[code] ?? 500, body: { error } });
}

/** Statuses of pages by JSON-RPC's codes and this node's own. */
const pageStatus: Readonly<Record<number, number>> = {
  [-32602]: 400,
  [-32000]: 503,
  [-32001]: 429,
  [-32003]: 404,
};

async function answerRpc(
  request: IncomingMessage,
  response: ServerResponse,
  options: HttpRpcOptions,
): Promise<void> {
  if (request.method !== "POST") {
    return refuseMethod(response, { path: "/rpc", allowed: "POST" });
  }
  if (!isJsonContentType(request.headers["content-type"])) {
    const current = request.headers["content-type"] ?? "none";
    const rule = "its content type must be application/json in UTF-8";
    return refuse(response, 415, `Cannot read the request as ${rule}: current value is ${current}`);
  }
  if (!["identity", undefined].includes(request.headers["content-encoding"])) {
    return refuse(response, 415, "Cannot read the request as its body must not be compressed");
  }
  const gone = new AbortController();
  response.on("close", () => {
    if (!response.writableFinished) gone.abort(new WireError(clientGone));
  });
  try {
    const bytesMax = options.bodyBytesMax ?? RPC_BODY_BYTES_MAX;
    const body = await readBody(request, { bytesMax });
    await sendAnswer(response, { body, options, signal: gone.signal });
  } catch (thrown) {
    if (!(thrown instanceof WireError)) refuse(response, 500, "Cannot answer the request");
    else if (thrown.code === "too-large") refuse(response, 413, thrown.message);
  }
}

const clientGone = {
  code: "closed",
  message: "Cannot finish the call as the client closed the connection",
} as const;

async function sendAnswer(
  response: ServerResponse,
  work: {
    readonly body: Uint8Array;
    readonly options: HttpRpcOptions;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { batchCallsMax, run } = work.options;
  const limits = batchCallsMax === undefined ? {} : { batchCallsMax };
  const message = parseJsonRpc(decodeUtf8(work.body), limits);
  const answer = await answerJsonRpc(message, (call) => run(call, { signal: work.signal }));
  if (answer !== undefined) return sendJson(response, { status: 200, body: answer });
  if (response.destroyed) return;
  response.writeHead(204);
  response.end();
}

/** Bytes that are not UTF-8 become text that is not JSON, so that the parser refuses them. */
function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return "not UTF-8";
  }
}

function refuseMethod(
  response: ServerResponse,
  at: { readonly path: string; readonly allowed: string },
): void {
  const message = `Cannot serve the request as ${at.path} answers ${at.allowed} only`;
  sendJson(response, { status: 405, body: { error: message }, headers: { allow: at.allowed } });
}

/** A refused request's body may be left unread, so the connection ends with the answer. */
function refuse(response: ServerResponse, status: number, message: string): void {
  const headers = { connection: "close" };
  sendJson(response, { status, body: { error: message }, headers });
}
