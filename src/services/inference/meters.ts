/**
 * What this service measures. The names are part of docs/API.md.
 */
import type { Clock } from "../../ports/mod.ts";
import type { Host, Metrics, RpcError } from "../../kernel/mod.ts";
import { firstTokenSecondsBuckets, tokenSecondsBuckets } from "./limits.ts";
import type { SlotLoad } from "./slots.ts";
import type { Usage } from "./schemas.ts";

/** How a request ended. */
export type Outcome =
  | "stop"
  | "length"
  | "cancelled"
  | "deadline"
  | "error"
  | "busy"
  | "refused"
  | "unavailable";

/** How a request ended that failed so. */
export function outcomeOf(error: RpcError): Outcome {
  switch (error.kind) {
    case "busy":
      return "busy";
    case "cancelled":
      return "cancelled";
    case "deadline":
      return "deadline";
    case "unavailable":
      return "unavailable";
    case "invalidParams":
    case "notFound":
      return "refused";
    default:
      return "error";
  }
}

/** The service's figures. */
export class Meters {
  readonly #clock: Clock;
  readonly #requests: ReturnType<Metrics["counter"]>;
  readonly #promptTokens: ReturnType<Metrics["counter"]>;
  readonly #completionTokens: ReturnType<Metrics["counter"]>;
  readonly #active: ReturnType<Metrics["gauge"]>;
  readonly #queue: ReturnType<Metrics["gauge"]>;
  readonly #firstToken: ReturnType<Metrics["histogram"]>;
  readonly #token: ReturnType<Metrics["histogram"]>;

  constructor(host: Pick<Host, "metrics" | "clock">, slotCount: number) {
    const { metrics } = host;
    this.#clock = host.clock;
    this.#requests = metrics.counter({
      name: "inference_requests_total",
      help: "Requests to generate text, by how they ended",
      labels: ["outcome"],
    });
    this.#promptTokens = metrics.counter({
      name: "inference_prompt_tokens_total",
      help: "Prompt tokens of requests that were computed",
    });
    this.#completionTokens = metrics.counter({
      name: "inference_completion_tokens_total",
      help: "Tokens that were sampled",
    });
    this.#active = metrics.gauge({
      name: "inference_slots_active",
      help: "Requests that hold a slot",
    });
    this.#queue = metrics.gauge({
      name: "inference_queue_depth",
      help: "Requests that wait for a slot",
    });
    metrics.gauge({ name: "inference_slots", help: "Slots in all" }).set(slotCount);
    this.#firstToken = metrics.histogram({
      name: "inference_first_token_seconds",
      help: "Time from a request's arrival to its first token",
      buckets: firstTokenSecondsBuckets,
    });
    this.#token = metrics.histogram({
      name: "inference_token_seconds",
      help: "Time between two tokens of a request",
      buckets: tokenSecondsBuckets,
    });
    this.load({ active: 0, waiting: 0 });
  }

  /** Slots in use and places taken in the line. */
  load(load: SlotLoad): void {
    this.#active.set(load.active);
    this.#queue.set(load.waiting);
  }

  /** Starts a request's watch; each call of what it returns is one sampled token. */
  tokenWatch(): () => void {
    let lastMs = this.#clock.monotonicMs();
    let histogram = this.#firstToken;
    return () => {
      const nowMs = this.#clock.monotonicMs();
      histogram.observe((nowMs - lastMs) / 1000);
      this.#completionTokens.add(1);
      histogram = this.#token;
      lastMs = nowMs;
    };
  }

  /** A request whose prompt is going to be computed. */
  begun(usage: Pick<Usage, "promptTokens">): void {
    this.#promptTokens.add(usage.promptTokens);
  }

  /** A request's end. */
  ended(outcome: Outcome): void {
    this.#requests.add(1, { outcome });
  }
}
