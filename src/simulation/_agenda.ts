/** What is still to happen in a simulation, in the order of the times. */
import type { Action } from "./script.ts";

/** Actions that wait. */
export class Agenda {
  readonly #actions: Action[];

  /** @param actions in the order of their times */
  constructor(actions: readonly Action[]) {
    this.#actions = [...actions];
  }

  /** When the next one is due, in milliseconds since the mesh was founded. */
  get nextMs(): number {
    return this.#actions[0]?.atMs ?? Infinity;
  }

  /** Takes the next one out if it is due. */
  take(nowMs: number): Action | undefined {
    return this.nextMs <= nowMs ? this.#actions.shift() : undefined;
  }

  /** Adds one behind those of the same time. */
  plan(action: Action): void {
    const later = this.#actions.findIndex(({ atMs }) => atMs > action.atMs);
    this.#actions.splice(later < 0 ? this.#actions.length : later, 0, action);
  }
}
