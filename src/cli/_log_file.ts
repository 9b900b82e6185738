/** The output of a node in the background: appended to a file, line after line, in order. */
import { dirname } from "node:path";
import { makeDirectoryDurably } from "../ports/mod.ts";
import type { Disk, DiskFile } from "../ports/mod.ts";
import type { CliOutput } from "./cli_io.ts";

/** Bytes that may wait for a slow disk; more is dropped and counted. */
const WAITING_BYTES_MAX = 2 ** 20;

/** Creates the file and its folder where they are missing. @throws {DiskError} when it may not */
export async function checkLogFile(disk: Disk, path: string): Promise<void> {
  await (await openLog(disk, path)).close();
}

async function openLog(disk: Disk, path: string): Promise<DiskFile> {
  await makeDirectoryDurably(disk, { path: dirname(path) });
  return await disk.open(path, "append");
}

/** Writes text to the end of a file. What the disk refuses is lost: a log has no other place. */
export class LogFile {
  readonly #disk: Disk;
  readonly #path: string;
  #file: Promise<DiskFile> | undefined;
  #tail: Promise<void> = Promise.resolve();
  #waitingBytes = 0;
  #droppedLines = 0;

  /** @param path absolute; created 0600 with its folder when the first text comes */
  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  /** This file as an output of commands. */
  get output(): CliOutput {
    return { write: (text) => this.#write(text), isTerminal: false, columns: 80, rows: 24 };
  }

  /** Waits for everything written so far, and closes. */
  async close(): Promise<void> {
    await this.#tail;
    await (await this.#file?.catch(() => undefined))?.close();
  }

  #write(text: string): void {
    const note = this.#droppedLines > 0 ? `(${this.#droppedLines} log lines were dropped)\n` : "";
    const bytes = new TextEncoder().encode(note + text);
    if (this.#waitingBytes + bytes.length > WAITING_BYTES_MAX) {
      this.#droppedLines++;
      return;
    }
    this.#droppedLines = 0;
    this.#waitingBytes += bytes.length;
    this.#tail = this.#tail.then(() => this.#append(bytes)).catch(() => {}).then(() => {
      this.#waitingBytes -= bytes.length;
    });
  }

  async #append(bytes: Uint8Array): Promise<void> {
    this.#file ??= openLog(this.#disk, this.#path);
    await (await this.#file).write(bytes);
  }
}
