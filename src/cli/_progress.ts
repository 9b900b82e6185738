/** Shows how far a model has been loaded, hashed or verified: a bar on a terminal, nothing where no person looks. */
import type { BootProgress } from "../node/mod.ts";
import { formatBytes, safeText } from "./_style.ts";
import type { CliIo } from "./cli_io.ts";

/** Models below this load before anyone could read a bar: 64 MB. */
const SHOWN_FROM_BYTES = 64_000_000;

/** Characters of the bar itself. */
const BAR_WIDTH = 30;

/** One line on standard error that is drawn again and again. */
export class ModelProgress {
  readonly #io: CliIo;
  readonly #verb: string;
  #drawn = "";

  /** @param verb what is done to the model */
  constructor(io: CliIo, verb = "Loading") {
    this.#io = io;
    this.#verb = verb;
  }

  /** Draws how far it is. */
  show(progress: BootProgress): void {
    const { stderr } = this.#io;
    if (progress.waiting !== undefined) return this.#wait(progress.waiting);
    if (progress.totalBytes < SHOWN_FROM_BYTES) return;
    const part = Math.min(1, progress.loadedBytes / progress.totalBytes);
    const done = Math.floor(part * BAR_WIDTH);
    const percent = Math.min(100, Math.floor((progress.loadedBytes * 100) / progress.totalBytes));
    if (!stderr.isTerminal) return this.#line(percent, progress);
    const bar = "#".repeat(done) + ".".repeat(BAR_WIDTH - done);
    const size = formatBytes(progress.totalBytes);
    this.#draw(`${this.#verb} ${progress.what} [${bar}] ${percent} % of ${size}`);
  }

  /** Removes the bar. */
  clear(): void {
    if (this.#io.stderr.isTerminal && this.#drawn !== "") this.#io.stderr.write("\r\x1b[K");
    this.#drawn = "";
  }

  /** A sentence stays to be read. */
  #wait(sentence: string): void {
    this.clear();
    this.#io.stderr.write(`${safeText(sentence)}\n`);
  }

  #draw(line: string): void {
    if (line === this.#drawn) return;
    this.#drawn = line;
    this.#io.stderr.write(`\r${line.slice(0, this.#io.stderr.columns - 1)}\x1b[K`);
  }

  /** A log gets one line for each quarter. */
  #line(percent: number, progress: BootProgress): void {
    const quarter = Math.floor(percent / 25) * 25;
    const size = formatBytes(progress.totalBytes);
    const line = `${this.#verb} ${progress.what}: ${quarter} % of ${size}`;
    if (line === this.#drawn) return;
    this.#drawn = line;
    this.#io.stderr.write(`${line}\n`);
  }
}
