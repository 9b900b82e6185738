/**
 * Whole bodies of HTTP messages, read within a limit, and JSON answers.
 *
 * Time limits on a slow sender are serve_http.ts's business, not this module's.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { WireError } from "./wire_error.ts";

/**
 * Reads a request's or a response's body.
 *
 * @param options `bytesMax`: a declared length beyond it fails before anything is read
 * @throws {WireError} "too-large" beyond `bytesMax`, "closed" when the sender went away
 */
export async function readBody(
  message: IncomingMessage,
  options: { readonly bytesMax: number },
): Promise<Uint8Array> {
  const { bytesMax } = options;
  const declared = Number(message.headers["content-length"] ?? 0);
  if (declared > bytesMax) throw tooLarge(bytesMax, declared);
  const chunks: Uint8Array[] = [];
  let length = 0;
  return await new Promise((resolve, reject) => {
    message.on("data", (chunk: Uint8Array) => {
      length += chunk.length;
      if (length <= bytesMax) return void chunks.push(chunk);
      // What was read so far is let go at once; the rest flows past unread.
      chunks.length = 0;
      reject(tooLarge(bytesMax, length));
    });
    message.on("end", () => resolve(joined(chunks, length)));
    message.on("error", (cause) => reject(closed(cause)));
    message.on("close", () => reject(closed()));
  });
}

/** Sends `body` as JSON and closes the response; does nothing when the peer has gone. */
export function sendJson(
  response: ServerResponse,
  answer: {
    readonly status: number;
    /** A string is sent as it is, being JSON already. */
    readonly body: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  },
): void {
  if (response.destroyed || response.headersSent) return;
  const text = typeof answer.body === "string" ? answer.body : JSON.stringify(answer.body);
  const bytes = new TextEncoder().encode(text);
  response.writeHead(answer.status, {
    "content-type": "application/json",
    "content-length": bytes.length,
    ...answer.headers,
  });
  response.end(bytes);
}

/** Whether a Content-Type names JSON in UTF-8, the only encoding that RFC 8259 allows. */
export function isJsonContentType(value: string | undefined): boolean {
  if (value === undefined) return false;
  const [type, ...parameters] = value.split(";").map((part) => part.trim().toLowerCase());
  if (type !== "application/json") return false;
  return parameters.every((parameter) => {
    const [name, charset] = parameter.split("=");
    return name !== "charset" || charset === "utf-8" || charset === '"utf-8"';
  });
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

function tooLarge(bytesMax: number, current: number): WireError {
  return new WireError({
    code: "too-large",
    message: `Cannot read the body as it must hold at most ${bytesMax} bytes: ` +
      `current value is at least ${current}`,
  });
}

function closed(cause?: unknown): WireError {
  return new WireError({
    code: "closed",
    message: "Cannot read the body as its sender closed the connection before its end",
    cause,
  });
}
