/**
 * What every request must show before it is looked at: a Host that is this machine (against DNS
 * rebinding), and no Origin or one that the operator allowed (against web pages of others).
 */
import { ApiError } from "./api_error.ts";

/** What the operator allowed beyond loopback. */
export interface GuardOptions {
  /** Host names, without ports, in lower case. */
  readonly hosts: readonly string[];
  /** Origins, as browsers send them ("https://chat.example"). */
  readonly origins: readonly string[];
}

/** Whether an address or name means this machine only: 127.0.0.0/8, ::1, localhost. */
export function isLoopbackName(name: string): boolean {
  const bare = name.toLowerCase().replace(/^\[(.*)\]$/, "$1");
  if (bare === "localhost" || bare === "::1") return true;
  return /^127\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.test(bare) &&
    bare.split(".").every((octet) => Number(octet) <= 255);
}

/** The name in a Host header, in lower case, without its port; undefined when it is malformed. */
export function hostName(header: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(?::\d{1,5})?$/.exec(header.toLowerCase());
  return match?.[1];
}

/** The host part of an absolute request target ("http://a/b"), which outranks Host; else undefined. */
export function targetHost(target: string | undefined): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(target ?? "")?.[1];
}

/**
 * Checks a request's Host and Origin.
 *
 * @returns the allowed origin, or undefined when the request has none
 * @throws {ApiError} 403
 */
export function checkCaller(
  headers: { readonly host: string | undefined; readonly origin: string | undefined },
  options: GuardOptions,
): string | undefined {
  const name = headers.host === undefined ? undefined : hostName(headers.host);
  if (name === undefined || !(isLoopbackName(name) || options.hosts.includes(name))) {
    throw new ApiError({
      status: 403,
      code: "host_not_allowed",
      message:
        "Cannot answer as the Host header must name this machine's loopback: to allow another name add it to 'api.hosts'",
    });
  }
  if (headers.origin === undefined) return undefined;
  if (options.origins.includes(headers.origin)) return headers.origin;
  throw new ApiError({
    status: 403,
    code: "origin_not_allowed",
    message:
      "Cannot answer as the web page that asks is of another origin: to allow it add the origin to 'api.origins'",
  });
}

/** Headers of answers to an allowed origin (WHATWG Fetch, the CORS protocol). */
export function corsHeaders(origin: string): Record<string, string> {
  return {
    "access-control-allow-origin": origin,
    "access-control-expose-headers":
      "x-request-id, x-skep-seed, x-skep-route, skep-receipt, server-timing, retry-after",
    "vary": "origin",
  };
}

/** Headers of the answer to an allowed origin's preflight request. */
export function preflightHeaders(
  origin: string,
  requestedHeaders: string | undefined,
): Record<string, string> {
  const names = (requestedHeaders ?? "").split(",").map((name) => name.trim());
  const allowed = names.filter((name) => /^[a-z0-9-]{1,64}$/i.test(name)).slice(0, 64);
  return {
    ...corsHeaders(origin),
    "access-control-allow-methods": "GET, POST, OPTIONS",
    "access-control-allow-headers": allowed.length > 0 ? allowed.join(", ") : "content-type",
    "access-control-max-age": "600",
  };
}
