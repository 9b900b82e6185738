/** One step at a time: sessions of a pipeline are computed in the order of the calls. */

/** A first-come, first-served lock. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `call` after all earlier ones have settled. */
  take<T>(call: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(call, call);
    this.#last = mine.catch(() => {});
    return mine;
  }
}
