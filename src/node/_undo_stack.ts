/** What has been done and must be undone in reverse, by a failed boot as by a stop. */
import type { Log } from "../kernel/mod.ts";

/** Steps back, last first. A step that fails is logged, and the others are still taken. */
export class UndoStack {
  readonly #steps: { readonly name: string; readonly undo: () => Promise<void> }[] = [];

  /** Adds the step that undoes what was just done. */
  push(name: string, undo: () => Promise<void>): void {
    this.#steps.push({ name, undo });
  }

  /** Takes every step once; never rejects. */
  async unwind(log: Log): Promise<void> {
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step.undo();
      } catch (error) {
        log.error("A step of the shutdown failed", { step: step.name, error });
      }
    }
  }
}
