/**
 * A fixed number of slots and a bounded line of those who wait for one, first come, first served.
 *
 * Policy at the limit: the newcomer is refused ("busy") and nobody who waits is disturbed.
 */
import { RpcError } from "../../kernel/mod.ts";
import { cancelled } from "./engine_failure.ts";

/** Bounds of a `Slots`. */
export interface SlotLimits {
  /** How many may be active at once; 0 refuses all. */
  readonly slots: number;
  /** How many may wait; 0 refuses whoever finds no free slot. */
  readonly queueMax: number;
}

/** How full it is. */
export interface SlotLoad {
  readonly active: number;
  readonly waiting: number;
}

/** A place: in the line first, in a slot once `admitted` has resolved. */
export interface Ticket {
  /** Resolves when a slot is this ticket's; rejects with the signal's reason when it aborts first. */
  readonly admitted: Promise<void>;
  /** Gives the slot or the place in the line back; a second call does nothing. */
  leave(): void;
}

interface Waiter {
  readonly admit: () => void;
}

/** Counts and admits; holds no other state. */
export class Slots {
  readonly #limits: SlotLimits;
  readonly #onChange: (load: SlotLoad) => void;
  readonly #waiters = new Set<Waiter>();
  #active = 0;

  /** @param onChange told of every change of the load, synchronously; it must not throw */
  constructor(limits: SlotLimits, onChange: (load: SlotLoad) => void) {
    this.#limits = limits;
    this.#onChange = onChange;
  }

  /** How full it is now. */
  get load(): SlotLoad {
    return { active: this.#active, waiting: this.#waiters.size };
  }

  /**
   * Takes a slot or a place in the line, at once.
   *
   * @throws {RpcError} "busy" when the line is full; "cancelled" when `signal` has aborted
   */
  enter(signal: AbortSignal): Ticket {
    if (signal.aborted) throw cancelled();
    if (this.#active < this.#limits.slots) {
      this.#active++;
      this.#onChange(this.load);
      return { admitted: Promise.resolve(), leave: this.#leaver(() => this.#free()) };
    }
    const { slots, queueMax } = this.#limits;
    // Without any slot a place in the line would be for ever.
    if (slots === 0 || this.#waiters.size >= queueMax) {
      throw new RpcError({
        kind: "busy",
        message: `Cannot take the request as ${slots} are running and ` +
          `${this.#waiters.size} are waiting already, which is all: try again later`,
        data: { waiting: this.#waiters.size, active: this.#active },
      });
    }
    return this.#wait(signal);
  }

  #wait(signal: AbortSignal): Ticket {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let admitted = false;
    const waiter: Waiter = {
      admit: (): void => {
        admitted = true;
        resolve();
      },
    };
    const onAbort = (): void => {
      if (this.#waiters.delete(waiter)) this.#onChange(this.load);
      reject(cancelled());
    };
    signal.addEventListener("abort", onAbort, { once: true });
    // Whoever leaves without waiting to be admitted has nobody to tell.
    promise.catch(() => {});
    this.#waiters.add(waiter);
    this.#onChange(this.load);
    const leave = this.#leaver(() => {
      signal.removeEventListener("abort", onAbort);
      if (admitted) this.#free();
      else if (this.#waiters.delete(waiter)) this.#onChange(this.load);
    });
    return { admitted: promise, leave };
  }

  /** Hands the slot to the first in the line, or frees it. */
  #free(): void {
    const [next] = this.#waiters;
    if (next === undefined) {
      this.#active--;
    } else {
      this.#waiters.delete(next);
      next.admit();
    }
    this.#onChange(this.load);
  }

  #leaver(leave: () => void): () => void {
    let left = false;
    return () => {
      if (left) return;
      left = true;
      leave();
    };
  }
}
