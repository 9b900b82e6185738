/**
 * Deadlines and joined signals, by the Clock port and without leaking listeners.
 *
 * Not `AbortSignal.timeout` or `.any`: those read the system's clock, or live as long as the
 * longest-lived of their sources.
 */
import type { Clock } from "../ports/mod.ts";
import { KernelError } from "./kernel_error.ts";

/** A signal that follows several others. */
export interface LinkedSignal {
  readonly signal: AbortSignal;
  /** Aborts this signal only. */
  abort(reason: unknown): void;
  /** Stops following; call it when the work is over. */
  unlink(): void;
}

/** A signal that aborts when the first of `sources` does, with its reason. */
export function linkSignals(sources: readonly (AbortSignal | undefined)[]): LinkedSignal {
  const controller = new AbortController();
  const removers: (() => void)[] = [];
  function unlink(): void {
    for (const remove of removers.splice(0)) remove();
  }
  function abort(reason: unknown): void {
    unlink();
    controller.abort(reason);
  }
  for (const source of sources) {
    if (source === undefined || controller.signal.aborted) continue;
    if (source.aborted) {
      abort(source.reason);
      continue;
    }
    const onAbort = (): void => abort(source.reason);
    source.addEventListener("abort", onAbort, { once: true });
    removers.push(() => source.removeEventListener("abort", onAbort));
  }
  return { signal: controller.signal, abort, unlink };
}

/**
 * Settles as `promise` does, or rejects with the signal's reason as soon as it aborts; the promise's
 * own failure after that is dropped.
 */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    function onAbort(): void {
      reject(signal?.reason);
    }
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    promise.then((value) => {
      signal.removeEventListener("abort", onAbort);
      resolve(value);
    }, (thrown) => {
      signal.removeEventListener("abort", onAbort);
      reject(thrown);
    });
  });
}

/** What `withDeadline` needs. */
export interface DeadlineOptions {
  readonly clock: Clock;
  /** Time that the work has. */
  readonly timeoutMs: number;
  /** Aborts the work earlier. */
  readonly signal?: AbortSignal;
  /** Completes "Cannot <purpose> in time". @default {"finish the work"} */
  readonly purpose?: string;
}

/**
 * Runs `work` until the deadline; its signal aborts at the deadline or with `options.signal`, and
 * the answer doesn't wait for work that ignores it.
 *
 * @throws {KernelError} "deadline" when the time is over
 * @throws the reason of `options.signal` when that aborts
 */
export async function withDeadline<T>(
  options: DeadlineOptions,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { clock, timeoutMs, purpose = "finish the work" } = options;
  const linked = linkSignals([options.signal]);
  const timer = clock.after(timeoutMs, () => {
    const message = `Cannot ${purpose} in time: the limit is ${timeoutMs} ms`;
    linked.abort(new KernelError({ code: "deadline", message }));
  });
  try {
    linked.signal.throwIfAborted();
    return await abortable(work(linked.signal), linked.signal);
  } finally {
    timer.cancel();
    linked.unlink();
  }
}
