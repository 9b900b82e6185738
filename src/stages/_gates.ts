/** The order in which flights enter the stages: positions follow each other. */

/** A flight's place in the order in which a stage is entered. */
export interface Gate {
  readonly before: Promise<void>;
  readonly done: () => void;
}

/** Takes the next place before a stage. */
export function enterGate(gates: Promise<void>[], index: number): Gate {
  const before = gates[index] ?? Promise.resolve();
  const { promise, resolve } = Promise.withResolvers<void>();
  gates[index] = promise;
  return { before, done: resolve };
}
