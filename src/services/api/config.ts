/**
 * The `api` section of the configuration.
 */
import * as v from "valibot";
import {
  bodyBytesMaxDefault,
  bodyMsMaxDefault,
  connectionsMaxDefault,
  drainMsDefault,
  idleMsMaxDefault,
  keepAliveMsDefault,
  listenDefault,
} from "./limits.ts";
import { listenProblem } from "./listen_address.ts";

const address = v.pipe(
  v.string("it must be host:port"),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return;
    const problem = listenProblem(dataset.value);
    if (problem !== undefined) addIssue({ message: problem });
  }),
);

function count(options: { readonly from: number; readonly to: number }): v.GenericSchema<number> {
  const message = `it must be a whole number from ${options.from} to ${options.to}`;
  return v.pipe(
    v.number(message),
    v.integer(message),
    v.minValue(options.from, message),
    v.maxValue(options.to, message),
  );
}

const hostMessage = "it must be a host name without a port, in lower case";
const originMessage = "it must be an origin, such as https://chat.example";
const hourMs = 3_600_000;

/** Checks the section and fills in defaults. */
export const apiConfig = v.strictObject({
  listen: v.pipe(
    v.optional(address, listenDefault),
    v.description("Where the API listens: host:port on loopback; port 0 picks a free one."),
  ),
  metricsListen: v.pipe(
    v.optional(address),
    v.description("A listener of its own for /metrics and /health, beside the API's."),
  ),
  hosts: v.pipe(
    v.optional(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9._-]+$/, hostMessage))), []),
    v.description("Host header names that are answered beside loopback's."),
  ),
  origins: v.pipe(
    v.optional(
      v.array(v.pipe(v.string(), v.regex(/^(null|[a-z][a-z0-9+.-]*:\/\/[^/\s]+)$/, originMessage))),
      [],
    ),
    v.description("Origins of web pages that may use the API."),
  ),
  bodyBytesMax: v.pipe(
    v.optional(count({ from: 1024, to: 1 << 30 }), bodyBytesMaxDefault),
    v.description("Largest request body in bytes."),
  ),
  bodyMsMax: v.pipe(
    v.optional(count({ from: 10, to: hourMs }), bodyMsMaxDefault),
    v.description("How long a request's headers, and then its body, may take to arrive."),
  ),
  idleMsMax: v.pipe(
    v.optional(count({ from: 10, to: hourMs }), idleMsMaxDefault),
    v.description("How long a connection may stay idle, and a client may leave an answer unread."),
  ),
  keepAliveMs: v.pipe(
    v.optional(count({ from: 10, to: hourMs }), keepAliveMsDefault),
    v.description("A comment line is streamed when nothing else was for this long."),
  ),
  connectionsMax: v.pipe(
    v.optional(count({ from: 1, to: 65_536 }), connectionsMaxDefault),
    v.description("Open connections; a further one is closed at once."),
  ),
  drainMs: v.pipe(
    v.optional(count({ from: 0, to: hourMs }), drainMsDefault),
    v.description("How long running answers may go on after the node was told to stop."),
  ),
});

/** The section, checked. */
export type ApiConfig = v.InferOutput<typeof apiConfig>;
