/**
 * What happened in a simulation, in order: a digest over everything, and the last lines in full. Two
 * runs that are the same event for event have the same digest.
 */
import { createHash } from "node:crypto";

/** Lines that are kept for a failure's report. */
const linesMax = 200;

/** Characters that are gathered before they are hashed. */
const gatheredMax = 16_384;

/** The events of one run. */
export class EventLog {
  readonly #hash = createHash("sha256");
  readonly #lines: string[] = [];
  #gathered = "";
  readonly #onLine: ((line: string) => void) | undefined;
  #count = 0;

  /** @param onLine told of each line */
  constructor(onLine?: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The last ones, oldest first. */
  get lastLines(): readonly string[] {
    return this.#lines.slice(-linesMax);
  }

  /** SHA-256 over all so far, in hex. */
  get digest(): string {
    this.#flush();
    return this.#hash.copy().digest("hex");
  }

  /** Something has happened at `atMs` of virtual time, to a node (0 is the world). */
  add(atMs: number, node: number, what: string): void {
    const line = `${atMs.toFixed(3)} ${node} ${what}`;
    this.#gathered += `${line}\n`;
    if (this.#gathered.length >= gatheredMax) this.#flush();
    this.#count += 1;
    this.#lines.push(line);
    if (this.#lines.length >= 2 * linesMax) this.#lines.splice(0, linesMax);
    this.#onLine?.(line);
  }

  #flush(): void {
    this.#hash.update(this.#gathered);
    this.#gathered = "";
  }
}
