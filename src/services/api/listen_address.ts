/**
 * "host:port" of the configuration. This release has no keys, so only loopback may be listened on.
 */
import { isLoopbackName } from "./guard.ts";

/** A TCP address. */
export interface ListenAddress {
  readonly kind: "tcp";
  readonly host: string;
  readonly port: number;
}

/**
 * Parses "127.0.0.1:7737", "localhost:7737", "[::1]:0".
 *
 * @throws {SyntaxError} when the text is not of that form
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):(\d{1,5})$/.exec(text);
  const port = Number(match?.[2]);
  if (match?.[1] === undefined || port > 65_535) {
    throw new SyntaxError(
      `Cannot listen as the address must be host:port: current value is ${JSON.stringify(text)}`,
    );
  }
  return { kind: "tcp", host: match[1].replace(/^\[(.*)\]$/, "$1"), port };
}

/** Why an address may not be listened on; undefined when it may. For configuration messages. */
export function listenProblem(text: string): string | undefined {
  let address: ListenAddress;
  try {
    address = parseListenAddress(text);
  } catch {
    return "it must be host:port, such as 127.0.0.1:7737 or [::1]:0";
  }
  if (isLoopbackName(address.host)) return undefined;
  return "it must be a loopback address, as this release has no API keys: use 127.0.0.1, [::1] " +
    "or localhost, and a tunnel or a reverse proxy with authentication to reach it from elsewhere";
}

/** "host:port" as a URL has it. */
export function formatAddress(address: { readonly host: string; readonly port: number }): string {
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${host}:${address.port}`;
}
