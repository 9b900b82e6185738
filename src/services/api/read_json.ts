/**
 * The JSON body of a request: its type, its size, its encoding, its syntax.
 */
import type { IncomingMessage } from "node:http";
import { isJsonContentType, readBody, WireError } from "../../wire/mod.ts";
import { ApiError } from "./api_error.ts";

/**
 * Reads and parses a body.
 *
 * @param options `bytesMax`: a larger body is refused by its announced length, or as soon as it has
 * grown beyond
 * @throws {ApiError} 415, 413, 400; 499 when the client went away before the end
 */
export async function readJson(
  request: IncomingMessage,
  options: { readonly bytesMax: number },
): Promise<unknown> {
  const { "content-type": type, "content-encoding": encoding } = request.headers;
  if (!isJsonContentType(type)) {
    throw new ApiError({
      status: 415,
      code: "unsupported_media_type",
      message: "Cannot read the body as its Content-Type must be application/json: " +
        `current value is ${JSON.stringify(type ?? "absent")}`,
    });
  }
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new ApiError({
      status: 415,
      code: "unsupported_media_type",
      message: "Cannot read the body as it must not be compressed: leave Content-Encoding out",
    });
  }
  return parse(await readBytes(request, options));
}

async function readBytes(
  request: IncomingMessage,
  options: { readonly bytesMax: number },
): Promise<Uint8Array> {
  try {
    return await readBody(request, options);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    if (thrown.code === "too-large") {
      throw new ApiError({
        status: 413,
        code: "body_too_large",
        message: thrown.message,
        // Whatever else the client sends is not read.
        headers: { connection: "close" },
        cause: thrown,
      });
    }
    throw new ApiError({ status: 499, code: "cancelled", message: thrown.message, cause: thrown });
  }
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ApiError({
      status: 400,
      code: "invalid_json",
      message: "Cannot read the body as it must be JSON in UTF-8",
      cause,
    });
  }
}
