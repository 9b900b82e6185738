/**
 * The life of one service under supervision: wait for needs, run, back off, run again, end.
 *
 * One loop (`#live`) owns the state; everything else only asks it to stop.
 */
import type { Clock, Random, Timer } from "../ports/mod.ts";
import { RunControl } from "./_run_control.ts";
import { endedUnasked, startedTooLate } from "./_run_failures.ts";
import { backOffDelayMs } from "./back_off.ts";
import { abortable } from "./deadline.ts";
import { KernelError, toError } from "./kernel_error.ts";
import type { Log, Metrics, Service } from "./service.ts";
import type {
  ServiceState,
  ServiceStatus,
  Session,
  SessionRequest,
  SupervisorLimits,
} from "./supervisor.ts";

/** What one supervised service needs. */
export interface SupervisedServiceOptions {
  readonly service: Service;
  readonly config: unknown;
  /** The services that it waits for. */
  readonly needs: readonly SupervisedService[];
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly openSession: (request: SessionRequest) => Session;
  readonly limits: SupervisorLimits;
  readonly onChange: ((status: ServiceStatus) => void) | undefined;
}

/** What became of one run. */
interface RunResult {
  /** Why it failed; `undefined` when it ended as asked. */
  readonly error: Error | undefined;
  /** How long it was ready; `undefined` when it never was. */
  readonly readyForMs: number | undefined;
  /** Set when it can't be started again, as the old run goes on. */
  readonly stuck: boolean;
}

/** One service and its runs. */
export class SupervisedService {
  readonly #options: SupervisedServiceOptions;
  readonly #stop = new AbortController();
  readonly #firstReady = Promise.withResolvers<void>();
  readonly #attempted = Promise.withResolvers<void>();
  readonly #ended = Promise.withResolvers<Error | undefined>();
  readonly #abandoned = Promise.withResolvers<void>();
  #state: ServiceState = "stopped";
  #sinceMs: number;
  #restarts = 0;
  #lastError: Error | undefined;
  #live = false;
  #wasReady = false;

  /** @param options kept for the service's life */
  constructor(options: SupervisedServiceOptions) {
    this.#options = options;
    this.#sinceMs = options.clock.nowMs();
    // Nobody may be waiting for it; a service that never got ready is told through `ended`.
    this.#firstReady.promise.catch(() => {});
  }

  /** The service's name. */
  get name(): string {
    return this.#options.service.name;
  }

  /** Whether the node stops when this service has failed for good. */
  get critical(): boolean {
    return this.#options.service.critical;
  }

  /** The services that it waits for. */
  get needs(): readonly SupervisedService[] {
    return this.#options.needs;
  }

  /** Names of those that end before it, beside those that need it. */
  get outlives(): readonly string[] {
    return this.#options.service.outlives ?? [];
  }

  /** Resolves when it was ready, or has failed once: then starting need not wait for it. */
  get attempted(): Promise<void> {
    return this.#attempted.promise;
  }

  /** Resolves with the last failure when it won't run any more, with nothing when it was stopped. */
  get ended(): Promise<Error | undefined> {
    return this.#ended.promise;
  }

  /** Resolves at its first ready; rejects when it has failed for good before. */
  get firstReady(): Promise<void> {
    return this.#firstReady.promise;
  }

  /** Whether it is between `start` and `ended`. */
  get running(): boolean {
    return this.#live;
  }

  /** Whether it was asked to stop. */
  get stopping(): boolean {
    return this.#stop.signal.aborted;
  }

  /** What is known of it. */
  get status(): ServiceStatus {
    return {
      name: this.name,
      state: this.#state,
      critical: this.critical,
      restarts: this.#restarts,
      sinceMs: this.#sinceMs,
      lastError: this.#lastError?.message,
    };
  }

  /** Begins its life; once. */
  start(): void {
    this.#live = true;
    this.#run().then((error) => this.#end(error));
  }

  /** Asks it to drain and end; harmless when repeated. */
  stop(): void {
    if (this.stopping) return;
    if (this.#state === "ready" || this.#state === "starting") this.#enter("stopping");
    const message = `Cannot go on with service "${this.name}" as the node stops`;
    this.#stop.abort(new KernelError({ code: "stopping", message, service: this.name }));
    if (!this.#live) this.#ended.resolve(undefined);
  }

  /** Goes on without it, though its run has not ended. */
  abandon(): void {
    this.#abandoned.resolve();
  }

  /** @returns the failure for good, or `undefined` when it was stopped */
  async #run(): Promise<Error | undefined> {
    this.#enter("starting");
    const missing = await this.#waitForNeeds();
    if (this.stopping) return undefined;
    if (missing !== undefined) return missing;
    for (let failures = 0;;) {
      const result = await this.#runOnce();
      if (result.error === undefined) return undefined;
      this.#noteFailure(result.error);
      if (this.stopping) return undefined;
      const stable = (result.readyForMs ?? 0) >= this.#options.limits.stableAfterMs;
      failures = stable ? 1 : failures + 1;
      if (this.#isFinal(result, failures)) return result.error;
      this.#attempted.resolve();
      if (!await this.#backOff(failures)) return undefined;
    }
  }

  #isFinal(result: RunResult, failures: number): boolean {
    // What a critical service says at its very first start concerns the configuration or the
    // machine (a socket in use, a broken file): whoever starts the node wants to hear it now.
    const hopeless = this.critical && !this.#wasReady;
    return result.stuck || hopeless || failures > this.#options.limits.restartsMax;
  }

  async #waitForNeeds(): Promise<Error | undefined> {
    for (const need of this.needs) {
      // A need that is being retried may take long; starting the node doesn't wait for that.
      if (!this.critical) need.attempted.then(() => need.#wasReady || this.#attempted.resolve());
    }
    for (const need of this.needs) {
      try {
        await abortable(need.firstReady, this.#stop.signal);
      } catch (cause) {
        if (this.stopping) return undefined;
        const message = `Cannot start service "${this.name}" as it needs "${need.name}", which ` +
          `has failed: ${toError(cause).message}`;
        const error = new KernelError({ code: "need-failed", message, service: this.name, cause });
        this.#noteFailure(error);
        return error;
      }
    }
    return undefined;
  }

  async #backOff(failures: number): Promise<boolean> {
    const { limits, random, clock, log, metrics } = this.#options;
    const delayMs = Math.round(backOffDelayMs(failures, { limits, random }));
    this.#enter("backing-off");
    log.warn("Service restarts after a failure", { service: this.name, delayMs, failures });
    try {
      await clock.sleep(delayMs, this.#stop.signal);
    } catch {
      return false;
    }
    this.#restarts += 1;
    const help = "Starts of a service after it failed.";
    metrics.counter({ name: "service_restarts_total", help, labels: ["service"] })
      .add(1, { service: this.name });
    this.#enter("starting");
    return true;
  }

  /** One run, from the session's opening to its closing. */
  async #runOnce(): Promise<RunResult> {
    const { clock, limits, openSession, service } = this.#options;
    const run = new RunControl(this.#stop.signal);
    let readyAtMs: number | undefined;
    const timer = clock.after(
      limits.startTimeoutMs,
      () => run.abort(startedTooLate(this.name, this.#options.limits)),
    );
    const ready = (): void => {
      if (readyAtMs !== undefined || run.signal.aborted) return;
      readyAtMs = clock.monotonicMs();
      timer.cancel();
      this.#becomeReady();
    };
    let session: Session | undefined;
    let error: Error | undefined;
    let stuck = false;
    try {
      session = openSession({ service, signal: run.signal, ready });
      stuck = await this.#settle(service.run(this.#options.config, session.host), run.signal);
      if (run.failure !== undefined) throw run.failure;
      if (!this.stopping) throw endedUnasked(this.name);
    } catch (thrown) {
      error = run.failure ?? this.#asFailure(thrown);
    }
    const readyForMs = readyAtMs === undefined ? undefined : clock.monotonicMs() - readyAtMs;
    timer.cancel();
    run.close(error);
    const drain = error === undefined;
    if (session !== undefined) {
      await Promise.race([session.close({ drain }), this.#abandoned.promise]);
    }
    return { error, readyForMs, stuck };
  }

  /**
   * Waits for the end of a run; one that was aborted for its own failure gets the drain's time.
   *
   * @returns whether it was given up
   */
  async #settle(running: Promise<void>, signal: AbortSignal): Promise<boolean> {
    const { clock, limits } = this.#options;
    const givenUp = Promise.withResolvers<boolean>();
    this.#abandoned.promise.then(() => givenUp.resolve(true));
    let timer: Timer | undefined;
    const onAbort = (): void => {
      if (this.stopping) return;
      timer = clock.after(limits.drainTimeoutMs, () => givenUp.resolve(true));
    };
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      return await Promise.race([running.then(() => false), givenUp.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      timer?.cancel();
      running.catch(() => {});
    }
  }

  /** A service that passes on the stop request as an exception has ended as asked. */
  #asFailure(thrown: unknown): Error | undefined {
    if (!this.stopping) return toError(thrown);
    const asked = thrown === this.#stop.signal.reason ||
      (thrown instanceof Error && thrown.name === "AbortError");
    return asked ? undefined : toError(thrown);
  }

  #becomeReady(): void {
    this.#wasReady = true;
    this.#enter("ready");
    this.#firstReady.resolve();
    this.#attempted.resolve();
  }

  #noteFailure(error: Error): void {
    this.#lastError = error;
    const { log } = this.#options;
    // The service that it needs has said why; or whoever starts the node is told, by `firstReady`.
    const known = (error instanceof KernelError && error.code === "need-failed") ||
      (this.critical && !this.#wasReady);
    if (known) log.debug("Service failed", { service: this.name, error });
    else log.error("Service failed", { service: this.name, error });
  }

  #end(error: Error | undefined): void {
    this.#live = false;
    this.#enter(error === undefined ? "stopped" : "failed");
    const message = `Cannot use service "${this.name}" as it was stopped`;
    this.#firstReady.reject(
      error ?? new KernelError({ code: "stopping", message, service: this.name }),
    );
    this.#ended.resolve(error);
    // After `ended`, so that a start that waits for this sees the decision that follows from it.
    queueMicrotask(() => this.#attempted.resolve());
  }

  #enter(state: ServiceState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#sinceMs = this.#options.clock.nowMs();
    this.#options.onChange?.(this.status);
  }
}
