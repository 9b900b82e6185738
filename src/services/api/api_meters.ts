/**
 * What the API measures. The names are part of docs/API.md.
 */
import type { ServerResponse } from "node:http";
import type { Host } from "../../kernel/mod.ts";

const secondsBuckets = [0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

/** The API's figures. */
export interface ApiMeters {
  /** Counts a request when its response has ended or was cut off. */
  watch(route: string, response: ServerResponse): void;
  /** Open connections, and those that were refused or timed out, since the start. */
  connections(figures: {
    readonly open: number;
    readonly refused: number;
    readonly timedOut: number;
  }): void;
}

/** Registers the figures. */
export function apiMeters(host: Pick<Host, "metrics" | "clock">): ApiMeters {
  const { metrics, clock } = host;
  const requests = metrics.counter({
    name: "api_requests_total",
    help: "HTTP requests by route and status; 499 is a client that went away",
    labels: ["route", "status"],
  });
  const running = metrics.gauge({
    name: "api_requests_running",
    help: "HTTP requests that are being answered",
  });
  const seconds = metrics.histogram({
    name: "api_request_seconds",
    help: "Time from a request's headers to the end of its response",
    labels: ["route"],
    buckets: secondsBuckets,
  });
  const connections = metrics.gauge({
    name: "api_connections",
    help: "HTTP connections: open now, refused and timed out since the start",
    labels: ["state"],
  });
  let count = 0;
  return {
    watch(route: string, response: ServerResponse): void {
      const startMs = clock.monotonicMs();
      running.set(++count);
      response.once("close", () => {
        running.set(--count);
        const status = response.writableFinished ? response.statusCode : 499;
        requests.add(1, { route, status: String(status) });
        seconds.observe((clock.monotonicMs() - startMs) / 1000, { route });
      });
    },
    connections({ open, refused, timedOut }): void {
      connections.set(open, { state: "open" });
      connections.set(refused, { state: "refused" });
      connections.set(timedOut, { state: "timed_out" });
    },
  };
}
