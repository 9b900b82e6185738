/**
 * The service "api": OpenAI's HTTP API on TCP loopback. It computes nothing; it asks "inference".
 */
import { getRequestListener } from "@hono/node-server";
import type * as v from "valibot";
import type { Host, Service } from "../../kernel/mod.ts";
import { serveHttp } from "../../wire/mod.ts";
import type { HttpServer } from "../../wire/mod.ts";
import { ApiError } from "./api_error.ts";
import { apiMeters } from "./api_meters.ts";
import { apiConfig } from "./config.ts";
import type { ApiConfig } from "./config.ts";
import { formatAddress, parseListenAddress } from "./listen_address.ts";
import { answerError, apiRoutes, observationRoutes } from "./routes.ts";
import type { RouteOptions, Routes } from "./routes.ts";

/** The service; announces "api" (the URL above /v1) and "metrics". */
export const apiService: Service<ApiConfig> = {
  name: "api",
  description: "Serves OpenAI's HTTP API on TCP; it has no methods of its own here.",
  config: apiConfig as v.GenericSchema<unknown, ApiConfig>,
  needs: ["inference"],
  critical: true,
  run,
};

async function run(config: ApiConfig, host: Host): Promise<void> {
  const servers: HttpServer[] = [];
  const meters = apiMeters(host);
  const options: RouteOptions = {
    host,
    config,
    meters,
    refresh: () =>
      meters.connections({
        open: sum(servers, (server) => server.connectionCount),
        refused: sum(servers, (server) => server.refusedCount),
        timedOut: sum(servers, (server) => server.timedOutCount),
      }),
  };
  try {
    const api = await listen(config.listen, { ...options, routes: apiRoutes(options) });
    servers.push(api);
    host.announce("api", urlOf(api));
    if (config.metricsListen !== undefined) {
      const routes = observationRoutes(options);
      const metrics = await listen(config.metricsListen, { ...options, routes });
      servers.push(metrics);
      host.announce("metrics", `${urlOf(metrics)}/metrics`);
    }
    await host.serve({});
    host.ready();
    await aborted(host.signal);
  } finally {
    await Promise.all(servers.map((server) => server.close(config.drainMs)));
  }
}

async function listen(
  address: string,
  options: RouteOptions & { readonly routes: Routes },
): Promise<HttpServer> {
  const { host, config, routes } = options;
  const listener = getRequestListener(routes.fetch, {
    // Nothing of this process but the connection is changed by serving it.
    overrideGlobalObjects: false,
    errorHandler: (thrown) => answerError(asBadRequest(thrown), host),
  });
  return await serveHttp({
    network: host.network,
    clock: host.clock,
    address: parseListenAddress(address),
    handler: (request, response) => void listener(request, response),
    onError: (thrown) => host.log.error("A request failed", { error: thrown }),
    refusalBody: (status, message) =>
      new ApiError({ status, code: refusalCodes[status], message }).body,
    limits: {
      connectionsMax: config.connectionsMax,
      headersTimeoutMs: config.bodyMsMax,
      bodyTimeoutMs: config.bodyMsMax,
      idleTimeoutMs: config.idleMsMax,
      stallTimeoutMs: config.idleMsMax,
    },
  });
}

/** Codes of answers that the server gives before a request has reached the routes. */
const refusalCodes = {
  400: "invalid_request",
  408: "request_timeout",
  431: "headers_too_large",
  503: "too_many_connections",
} as const;

/** The adapter's own refusals: a request line or a Host header that gives no URL. */
function asBadRequest(thrown: unknown): unknown {
  if (!(thrown instanceof Error) || thrown.name !== "RequestError") return thrown;
  return new ApiError({
    status: 400,
    code: "invalid_request",
    message: "Cannot answer as the request line and the Host header must give a URL",
    cause: thrown,
  });
}

function urlOf(server: HttpServer): string {
  const { address } = server;
  return address.kind === "tcp" ? `http://${formatAddress(address)}` : address.path;
}

function sum(servers: readonly HttpServer[], figure: (server: HttpServer) => number): number {
  return servers.reduce((total, server) => total + figure(server), 0);
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
