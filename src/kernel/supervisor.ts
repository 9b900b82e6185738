/**
 * Runs a set of services: in the order of their needs, each until it is asked to stop, again when it
 * fails, and all of them down in reverse order within a deadline.
 *
 * It knows nothing of hosts, sockets or workers: `openSession` gives each run what it may touch. The
 * life of one service is supervised_service.ts; here are the decisions that concern several.
 */
import type { Clock, Random, Timer } from "../ports/mod.ts";
import type { BackOffLimits } from "./back_off.ts";
import { KernelError } from "./kernel_error.ts";
import { planStart } from "./plan.ts";
import type { Host, Log, Metrics, Service } from "./service.ts";
import { SupervisedService } from "./supervised_service.ts";

/** A service with its checked configuration. */
export interface ServiceEntry {
  readonly service: Service;
  /** What the service's schema gave; handed to `run` as it is. */
  readonly config: unknown;
}

/** Where a service is in its life; "starting" includes waiting for what it needs. */
export type ServiceState =
  | "starting"
  | "ready"
  | "backing-off"
  | "failed"
  | "stopping"
  | "stopped";

/** What is known of one service. */
export interface ServiceStatus {
  readonly name: string;
  readonly state: ServiceState;
  readonly critical: boolean;
  /** Starts after a failure, since the node started. */
  readonly restarts: number;
  /** When it entered its state, Unix milliseconds. */
  readonly sinceMs: number;
  /** The sentence of its last failure, if there was one. */
  readonly lastError: string | undefined;
}

/** Limits of restarts and of the drain. */
export interface SupervisorLimits extends BackOffLimits {
  /** How long a service may take to get ready. @default {30000} */
  readonly startTimeoutMs: number;
  /** Failures in a row after which a service has failed for good. @default {5} */
  readonly restartsMax: number;
  /** Having been ready for so long makes the next failure the first of its row. @default {60000} */
  readonly stableAfterMs: number;
  /** How long all services together may take to stop. @default {30000} */
  readonly drainTimeoutMs: number;
  /** What services get to end at once when the drain is over or forced. @default {1000} */
  readonly forceTimeoutMs: number;
}

/** The limits that apply when nothing else is said. */
export const SUPERVISOR_LIMITS: SupervisorLimits = {
  startTimeoutMs: 30_000,
  restartsMax: 5,
  restartDelayMsMin: 200,
  restartDelayMsMax: 30_000,
  stableAfterMs: 60_000,
  drainTimeoutMs: 30_000,
  forceTimeoutMs: 1_000,
};

/** What one run of a service gets. */
export interface Session {
  readonly host: Host;
  /** Gives back what the host opened; never rejects. `drain` lets running calls finish first. */
  close(options: { readonly drain: boolean }): Promise<void>;
}

/** What the supervisor tells a session's maker. */
export interface SessionRequest {
  readonly service: Service;
  readonly signal: AbortSignal;
  /** To be called by `host.ready()`. */
  readonly ready: () => void;
}

/** What the supervisor needs. */
export interface SupervisorOptions {
  readonly services: readonly ServiceEntry[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly openSession: (request: SessionRequest) => Session;
  readonly limits?: Partial<SupervisorLimits>;
  /** Is told every change of a service's state. */
  readonly onChange?: (status: ServiceStatus) => void;
}

/** How it ended. */
export interface SupervisorOutcome {
  /** Why the node stopped by itself: a critical service failed for good. */
  readonly error: Error | undefined;
  /** Services that did not stop in time. */
  readonly overran: readonly string[];
}

/** A set of running services. */
export interface Supervisor {
  /**
   * Starts everything; resolves when every critical service is ready and every other one has been
   * tried once.
   *
   * @throws the failure of a critical service, after everything else was stopped again
   */
  start(): Promise<void>;
  /** Asks everything to stop; a second call forces it. Resolves as `finished` does. */
  stop(): Promise<SupervisorOutcome>;
  /** Resolves when nothing runs any more, whoever asked for it; never rejects. */
  readonly finished: Promise<SupervisorOutcome>;
  /** The services in their starting order. */
  status(): ServiceStatus[];
}

/**
 * Makes a supervisor; nothing runs before `start`.
 *
 * @throws {KernelError} when the services can't be ordered: see `planStart`
 */
export function createSupervisor(options: SupervisorOptions): Supervisor {
  return new ServiceSupervisor(options);
}

class ServiceSupervisor implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #limits: SupervisorLimits;
  /** In starting order. */
  readonly #units: readonly SupervisedService[];
  readonly #finish = Promise.withResolvers<SupervisorOutcome>();
  #phase: "idle" | "running" | "stopping" | "forced" = "idle";
  #error: Error | undefined;
  #overran: string[] = [];
  #forceTimer: Timer | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#limits = { ...SUPERVISOR_LIMITS, ...options.limits };
    const entries = new Map(options.services.map((entry) => [entry.service, entry]));
    const units: SupervisedService[] = [];
    for (const service of planStart(options.services.map((entry) => entry.service))) {
      const { clock, random, log, metrics, openSession, onChange } = options;
      const shared = { clock, random, log, metrics, openSession, onChange, limits: this.#limits };
      const needs = units.filter((unit) => service.needs.includes(unit.name));
      const config = entries.get(service)?.config;
      units.push(new SupervisedService({ ...shared, service, config, needs }));
    }
    this.#units = units;
  }

  get finished(): Promise<SupervisorOutcome> {
    return this.#finish.promise;
  }

  status(): ServiceStatus[] {
    return this.#units.map((unit) => unit.status);
  }

  async start(): Promise<void> {
    if (this.#phase !== "idle") throw new TypeError("Cannot start the services a second time");
    this.#phase = "running";
    for (const unit of this.#units) {
      unit.start();
      unit.ended.then((error) => this.#onEnd(unit, error));
    }
    await Promise.all(this.#units.map((unit) => unit.attempted));
    if (this.#phase === "running") return;
    const { error } = await this.finished;
    throw error ??
      new KernelError({ code: "stopping", message: "Cannot start the node as it was stopped" });
  }

  stop(): Promise<SupervisorOutcome> {
    if (this.#phase === "idle") {
      this.#phase = "stopping";
      this.#finish.resolve({ error: undefined, overran: [] });
    } else if (this.#phase === "running") this.#drain();
    else if (this.#phase === "stopping") this.#force("a second request");
    return this.finished;
  }

  #onEnd(unit: SupervisedService, error: Error | undefined): void {
    if (error === undefined || !unit.critical || this.#phase !== "running") return;
    this.#error = error;
    this.#drain();
  }

  /** Stops each service as soon as all that need it have ended. */
  async #drain(): Promise<void> {
    this.#phase = "stopping";
    const timer = this.#options.clock.after(
      this.#limits.drainTimeoutMs,
      () => this.#force("the drain's deadline"),
    );
    await Promise.all(this.#units.map(async (unit) => {
      const dependants = this.#units.filter((other) =>
        other.needs.includes(unit) || unit.outlives.includes(other.name)
      );
      await Promise.all(dependants.map((other) => other.ended));
      unit.stop();
      await unit.ended;
    }));
    timer.cancel();
    this.#forceTimer?.cancel();
    this.#finish.resolve({ error: this.#error, overran: this.#overran });
  }

  /** Asks all that still run at once, and gives up on those that don't end shortly after. */
  #force(why: string): void {
    if (this.#phase === "forced") return;
    this.#phase = "forced";
    const running = this.#units.filter((unit) => unit.running);
    // Those that had not been asked yet are not to blame.
    this.#overran = running.filter((unit) => unit.stopping).map((unit) => unit.name);
    this.#options.log.warn("Stopping is forced", { why, overran: this.#overran });
    for (const unit of running) unit.stop();
    this.#forceTimer = this.#options.clock.after(this.#limits.forceTimeoutMs, () => {
      for (const unit of running) unit.abandon();
    });
  }
}
