/**
 * One JSON-RPC call over HTTP/1.1 on a Unix socket: what the command line asks a running node with.
 *
 * A connection per call; not a pool.
 */
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Network } from "../ports/mod.ts";
import { readBody } from "./http_body.ts";
import { encodeRequest, parseResponse } from "./json_rpc.ts";
import { RemoteCallError, WireError } from "./wire_error.ts";

/** Longest answer that a caller reads when it says nothing else, 64 MiB. */
export const RESPONSE_BYTES_MAX: number = 64 * 2 ** 20;

/** What `callRpc` needs. */
export interface RpcCallOptions {
  readonly network: Network;
  /** Absolute path of a service's `rpc.sock`. */
  readonly socketPath: string;
  readonly method: string;
  readonly params?: unknown;
  /** Aborting it closes the connection, which cancels the call at the other side. */
  readonly signal?: AbortSignal;
  /** @default {67108864} */
  readonly responseBytesMax?: number;
}

/**
 * Calls a method of a service that listens at `socketPath`.
 *
 * @throws {NetworkError} when nothing listens there
 * @throws {RemoteCallError} when the service answers with an error
 * @throws {WireError} when the answer is too large, cut off, or not JSON-RPC
 * @throws the signal's reason when it aborts
 */
export async function callRpc(options: RpcCallOptions): Promise<unknown> {
  const { network, socketPath, signal } = options;
  const stream = await network.dial({ kind: "unix", path: socketPath }, signal);
  function hangUp(): void {
    stream.destroy();
  }
  signal?.addEventListener("abort", hangUp, { once: true });
  try {
    const text = await exchange(stream, options);
    return readAnswer(text);
  } catch (thrown) {
    throw signal?.aborted ? signal.reason : thrown;
  } finally {
    signal?.removeEventListener("abort", hangUp);
    stream.destroy();
  }
}

async function exchange(stream: Duplex, options: RpcCallOptions): Promise<string> {
  const body = encodeRequest({ id: 1, method: options.method, params: options.params });
  const response = await post(stream, new TextEncoder().encode(body));
  const bytesMax = options.responseBytesMax ?? RESPONSE_BYTES_MAX;
  const text = new TextDecoder().decode(await readBody(response, { bytesMax }));
  if (response.statusCode === 200) return text;
  throw new WireError({
    code: "bad-response",
    message: `Cannot call "${options.method}" as the service must answer with status 200: ` +
      `current value is ${response.statusCode} ${text.slice(0, 200)}`,
  });
}

function post(stream: Duplex, body: Uint8Array): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = request({
      createConnection: () => stream,
      method: "POST",
      path: "/rpc",
      headers: {
        host: "localhost",
        connection: "close",
        "content-type": "application/json",
        "content-length": body.length,
      },
    }, resolve);
    sent.on("error", (cause) => {
      const message = "Cannot finish the call as the service closed the connection";
      reject(new WireError({ code: "closed", message, cause }));
    });
    sent.end(body);
  });
}

function readAnswer(text: string): unknown {
  let outcome;
  try {
    outcome = parseResponse(text, 1);
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    throw new WireError({ code: "bad-response", message: detail, cause });
  }
  if ("error" in outcome) throw new RemoteCallError(outcome.error);
  return outcome.result;
}
