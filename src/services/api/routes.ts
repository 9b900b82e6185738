/**
 * The API's routes. What is not here is 404, in OpenAI's shape; `/admin/*` is not here.
 */
import type { HttpBindings } from "@hono/node-server";
import { Hono } from "hono";
import type { Context, Next } from "hono";
import type { Host } from "../../kernel/mod.ts";
import type { ModelEntry } from "../inference/mod.ts";
import { ApiError } from "./api_error.ts";
import type { ApiMeters } from "./api_meters.ts";
import { answerCompletion, chatEndpoint, completionEndpoint } from "./completion_route.ts";
import type { ApiConfig } from "./config.ts";
import { answerEmbeddings } from "./embedding_route.ts";
import { checkCaller, corsHeaders, preflightHeaders, targetHost } from "./guard.ts";

/** What the routes need. */
export interface RouteOptions {
  readonly host: Host;
  readonly config: ApiConfig;
  readonly meters: ApiMeters;
  /** Called before /metrics answers, to bring gauges up to date. */
  readonly refresh: () => void;
}

/** The API as a fetch-like function of hono's node adapter. */
export type Routes = Hono<{ Bindings: HttpBindings }>;

interface RouteSpec {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly handler: Handler;
}

type Handler = (c: Context<{ Bindings: HttpBindings }>) => Response | Promise<Response>;

/** Everything: the API, health and metrics. */
export function apiRoutes(options: RouteOptions): Routes {
  const { host, config } = options;
  const app = observationRoutes(options);
  route(app, { method: "GET", path: "/v1/models", handler: () => listModels(host) });
  route(app, {
    method: "GET",
    path: "/v1/models/:id{.+}",
    handler: (c) => retrieveModel(host, c.req.param("id") ?? ""),
  });
  for (
    const [path, endpoint] of [
      ["/v1/chat/completions", chatEndpoint],
      ["/v1/completions", completionEndpoint],
    ] as const
  ) {
    route(app, {
      method: "POST",
      path,
      // While the node drains, too: who gets through to here is owed an answer (`serveHttp`).
      handler: (c) => answerCompletion(c.env, { endpoint, host, config }),
    });
  }
  route(app, {
    method: "POST",
    path: "/v1/embeddings",
    handler: (c) => answerEmbeddings(c.env, { host, config }),
  });
  return app;
}

/** Health and metrics only, for a listener of their own. */
export function observationRoutes(options: RouteOptions): Routes {
  const { host } = options;
  const app: Routes = new Hono();
  app.use("*", (c, next) => guard(c, next, options));
  app.onError((thrown) => answerError(thrown, host));
  app.notFound((c) => {
    throw new ApiError({
      status: 404,
      code: "unknown_url",
      message: `Cannot answer ${c.req.method} ${c.req.path} as there is no such route`,
    });
  });
  route(app, { method: "GET", path: "/health", handler: () => health(host) });
  route(app, { method: "GET", path: "/metrics", handler: () => metrics(options) });
  return app;
}

async function listModels(host: Host): Promise<Response> {
  const models = await host.call("inference", "models.list", {}) as ModelEntry[];
  return Response.json({ object: "list", data: models.map(modelBody) });
}

async function retrieveModel(host: Host, id: string): Promise<Response> {
  const model = await host.call("inference", "models.info", { model: id }) as ModelEntry;
  return Response.json(modelBody(model));
}

/** Whether a request could be answered now; 503 while the model is being loaded again. */
async function health(host: Host): Promise<Response> {
  if (host.signal.aborted) throw stopping();
  await host.call("inference", "models.list", {});
  return Response.json({ status: "ok" });
}

async function metrics(options: RouteOptions): Promise<Response> {
  options.refresh();
  const { contentType, text } = await options.host.metrics.expose();
  return new Response(text, { headers: { "content-type": contentType } });
}

/** Registers a route and the refusal of other methods at its path. */
function route(app: Routes, spec: RouteSpec): void {
  const { method, path, handler } = spec;
  app.on(method, path, handler);
  app.all(path, (c) => {
    const allow = method === "GET" ? "GET, HEAD" : method;
    throw new ApiError({
      status: 405,
      code: "method_not_allowed",
      message: `Cannot answer ${c.req.method} ${c.req.path} as it takes ${allow} only`,
      headers: { allow },
    });
  });
}

/** Before every route: who asks. Counts the request, whoever it is. */
async function guard(
  c: Context<{ Bindings: HttpBindings }>,
  next: Next,
  options: RouteOptions,
): Promise<Response | undefined> {
  const { headers, url } = c.env.incoming;
  options.meters.watch(routeName(c.req.path), c.env.outgoing);
  const target = targetHost(url);
  // RFC 9112, section 3.2.2: the target's host counts. Here both must be this machine.
  if (target !== undefined) checkCaller({ host: target, origin: undefined }, options.config);
  const origin = checkCaller({ host: headers.host, origin: headers.origin }, options.config);
  if (origin !== undefined && c.req.method === "OPTIONS") {
    const requested = c.req.header("access-control-request-headers");
    return new Response(null, { status: 204, headers: preflightHeaders(origin, requested) });
  }
  await next();
  if (origin === undefined) return undefined;
  for (const [name, value] of Object.entries(corsHeaders(origin))) c.res.headers.set(name, value);
  return undefined;
}

const routeNames = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/embeddings",
  "/v1/models",
  "/health",
  "/metrics",
];

/** A label of few values, whatever clients ask for. */
function routeName(path: string): string {
  if (path.startsWith("/v1/models/")) return "/v1/models/{id}";
  return routeNames.includes(path) ? path : "other";
}

/** An error as a response; what the client is not told goes to the log. */
export function answerError(thrown: unknown, host: Pick<Host, "log">): Response {
  const error = ApiError.from(thrown);
  if (error.status === 500) host.log.error("A request failed", { error: error.cause ?? error });
  // 499 is for the metrics; its client is gone. Response refuses no status of three digits.
  return Response.json(error.body, { status: error.status, headers: error.headers });
}

function modelBody(model: ModelEntry): unknown {
  return {
    id: model.id,
    object: "model",
    created: model.createdSeconds,
    owned_by: model.ownedBy,
    capabilities: model.capabilities,
  };
}

function stopping(): ApiError {
  return new ApiError({
    status: 503,
    code: "unavailable",
    message: "Cannot answer as the node is stopping",
    headers: { "retry-after": "5" },
  });
}
