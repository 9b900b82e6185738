/**
 * What a node in the background says of its start, read from its log as it grows: how far its model
 * is loaded, and what it waits for.
 */
import type { Disk } from "../ports/mod.ts";

/** Bytes of the log that are read at once: between two looks a start says less. */
const READ_BYTES_MAX = 64 * 1024;

/** What `ModelProgress` writes where no terminal is; the log's other lines are JSON. */
const progressLine = /^(Loading|Waiting) /;

/** Reads on from where the log ended before the start. */
export class StartProgress {
  readonly #disk: Disk;
  readonly #path: string;
  #position: number;
  #rest = "";

  /** @param log `logStart`: bytes that the log had before the start */
  constructor(disk: Disk, log: { readonly logFile: string; readonly logStart: number }) {
    this.#disk = disk;
    this.#path = log.logFile;
    this.#position = log.logStart;
  }

  /** The lines that have come since the last call. */
  async lines(): Promise<readonly string[]> {
    const sizeBytes = (await this.#disk.stat(this.#path))?.sizeBytes ?? 0;
    if (sizeBytes <= this.#position) return [];
    const file = await this.#disk.open(this.#path, "read");
    try {
      const bytes = new Uint8Array(Math.min(READ_BYTES_MAX, sizeBytes - this.#position));
      const count = await file.read(bytes, this.#position);
      this.#position += count;
      const lines = (this.#rest + new TextDecoder().decode(bytes.subarray(0, count))).split("\n");
      this.#rest = (lines.pop() ?? "").slice(-READ_BYTES_MAX);
      return lines.filter((line) => progressLine.test(line));
    } finally {
      await file.close();
    }
  }
}
