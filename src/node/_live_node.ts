/** A booted node: its services run until somebody stops it or a critical one fails for good. */
import { pid } from "../platform/mod.ts";
import type { Identity } from "../identity/mod.ts";
import type { Directories, Kernel, Log } from "../kernel/mod.ts";
import type { Clock } from "../ports/mod.ts";
import { NodeError } from "./node_error.ts";
import type { NodePaths } from "./paths.ts";
import type { NodeStatus, RunningNode } from "./running_node.ts";
import type { UndoStack } from "./_undo_stack.ts";
import { thrumVersion, version } from "./version.ts";

/** What a live node is made of. */
export interface LiveNodeParts {
  readonly kernel: Kernel;
  readonly clock: Clock;
  readonly identity: Identity;
  readonly paths: NodePaths;
  readonly startedAtMs: number;
  /** Undoes the whole boot, the services included. */
  readonly undo: UndoStack;
  readonly log: Log;
}

/** The implementation of `RunningNode`. */
export class LiveNode implements RunningNode {
  readonly hid: string;
  readonly directories: Directories;
  readonly kernel: Kernel;
  readonly #parts: LiveNodeParts;
  readonly #closed = Promise.withResolvers<void>();
  readonly #startedMonotonicMs: number;
  #stopping = false;
  #forced = false;
  /** Whether no service runs any more; a boot whose services failed ends so by itself. */
  #ended = false;
  #onStopping: () => void = () => {};
  /** What a stopped node goes on saying. */
  #addresses: Readonly<Record<string, string>> | undefined;

  /** @param parts kept for the node's life */
  constructor(parts: LiveNodeParts) {
    this.#parts = parts;
    this.kernel = parts.kernel;
    this.hid = parts.identity.hid;
    this.directories = parts.paths.directories;
    this.#startedMonotonicMs = parts.clock.monotonicMs();
    parts.kernel.finished.then(() => this.#ended = true);
    // Somebody who never looks at `closed` still has `stop()` and the log.
    this.#closed.promise.catch(() => {});
  }

  get addresses(): Readonly<Record<string, string>> {
    return this.#addresses ?? addressesOf(this.kernel);
  }

  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  status(): NodeStatus {
    const { clock, startedAtMs } = this.#parts;
    return {
      version,
      thrumVersion,
      pid: pid(),
      hid: this.hid,
      startedAtMs,
      uptimeMs: Math.round(clock.monotonicMs() - this.#startedMonotonicMs),
      addresses: this.addresses,
      directories: this.directories,
      services: this.kernel.status(),
    };
  }

  async call(service: string, method: string, params?: unknown): Promise<unknown> {
    return await this.kernel.call(service, method, { params: params ?? {} });
  }

  /** Whether every critical service runs; what the watchdog asks. */
  isHealthy(): boolean {
    const dead = new Set(["failed", "stopped"]);
    return !this.kernel.status().some(({ critical, state }) => critical && dead.has(state));
  }

  /**
   * From now on an abort, or the end of the services, ends the node.
   *
   * @param options `onStopping` is called once, when the end begins
   */
  watch(
    options: { readonly signal: AbortSignal | undefined; readonly onStopping: () => void },
  ): void {
    const { signal } = options;
    this.#onStopping = options.onStopping;
    this.#addresses = addressesOf(this.kernel);
    const onAbort = (): void => void this.stop();
    signal?.addEventListener("abort", onAbort, { once: true });
    this.kernel.finished.then(async ({ error }) => {
      signal?.removeEventListener("abort", onAbort);
      await this.#end(error);
    });
    if (signal?.aborted === true) onAbort();
  }

  /** Stops the services alone: for a boot that is called off, and the last step of every end. */
  async stopServices(): Promise<void> {
    // The kernel takes a second request as force.
    if (!this.#stopping && !this.#ended) {
      this.#stopping = true;
      this.kernel.stop();
    }
    await this.kernel.finished;
  }

  async stop(options: { readonly force?: boolean } = {}): Promise<void> {
    if (!this.#stopping) {
      this.#stopping = true;
      this.#parts.log.info("Stopping");
      this.#onStopping();
      this.kernel.stop();
    }
    if (options.force === true && !this.#forced) {
      this.#forced = true;
      this.kernel.stop();
    }
    // Why it ended by itself is told by `closed`; whoever asked for the end got it.
    await this.#closed.promise.catch(() => {});
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #end(error: Error | undefined): Promise<void> {
    const { undo, log } = this.#parts;
    if (!this.#stopping) this.#onStopping();
    await undo.unwind(log);
    log.info("Stopped");
    if (error === undefined) return this.#closed.resolve();
    const doing = "keep the node running";
    this.#closed.reject(NodeError.from(error, { code: "stopped-itself", doing }));
  }
}

/** "api", "metrics" ... as announced; of all rpc.socks the node's own, as "control". */
function addressesOf(kernel: Kernel): Readonly<Record<string, string>> {
  const addresses: Record<string, string> = {};
  for (const { service, name, address } of kernel.announcements()) {
    if (name !== "rpc") addresses[name] = address;
    else if (service === "control") addresses["control"] = address;
  }
  return addresses;
}
