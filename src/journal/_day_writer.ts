/**
 * Writes commits into day files at offsets that it keeps itself, so that what a failed write left is
 * known and can be cut. A commit is `write`, perhaps `sync`, then `accept`; after any failure,
 * `restore` comes before the next `write`.
 */
import type { Disk, DiskFile } from "../ports/mod.ts";
import { JournalError } from "./errors.ts";

/** Bytes copied at a time when pages are written again. */
const COPY_BYTES = 256 * 1024;

/** The writing end of the journal's directory. */
export class DayWriter {
  readonly #disk: Disk;
  readonly #directory: string;
  #handle: DiskFile | undefined;
  /** Name of the file that `#handle` is, or was when something failed. */
  #open: string | undefined;
  /** Name and length of the file with the last accepted commit. */
  #file: string | undefined;
  #offset: number;
  /** Length of that file which is known to be on the disk. */
  #synced: number;
  #dirty = false;

  constructor(options: {
    readonly disk: Disk;
    readonly directory: string;
    readonly file: string | undefined;
    readonly offset: number;
  }) {
    this.#disk = options.disk;
    this.#directory = options.directory;
    this.#file = options.file;
    this.#offset = this.#synced = options.offset;
  }

  /** Name of the file with the last accepted commit. */
  get file(): string | undefined {
    return this.#file;
  }

  /** Accepted bytes in that file. */
  get offset(): number {
    return this.#offset;
  }

  /** Whether accepted bytes may not be on the disk yet. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** Writes behind what was accepted, in `file`; the file before it is synced first. */
  async write(file: string, bytes: Uint8Array): Promise<void> {
    if (this.#open !== file) await this.#change(file);
    await this.#handle?.write(bytes, this.#acceptedIn(file));
    this.#dirty = true;
  }

  /** Makes everything written so far durable. */
  async sync(): Promise<void> {
    if (!this.#dirty) return;
    await this.#handle?.sync();
    this.#dirty = false;
    this.#synced = this.#offset;
  }

  /** Takes the bytes of the last `write` as part of the journal. */
  accept(length: number): void {
    const file = this.#open;
    if (file === undefined) return;
    const before = this.#acceptedIn(file);
    if (this.#file !== file) this.#synced = 0;
    this.#file = file;
    this.#offset = before + length;
    if (!this.#dirty) this.#synced = this.#offset;
  }

  /**
   * Brings the file back to what was accepted, on the disk: cuts what is behind it, and writes again
   * what was accepted but not synced, because a failed sync may have dropped those pages for good.
   */
  async restore(): Promise<void> {
    await this.#drop();
    for (const name of new Set([this.#open, this.#file])) {
      if (name !== undefined) await this.#restoreFile(name);
    }
    this.#open = undefined;
    this.#dirty = false;
    this.#synced = this.#offset;
    await this.#disk.syncDirectory(this.#directory);
  }

  /** Closes the file; does not sync. */
  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    this.#open = undefined;
    await handle?.close();
  }

  async #change(file: string): Promise<void> {
    await this.sync();
    await this.close();
    this.#open = file;
    const path = `${this.#directory}/${file}`;
    if (await this.#disk.stat(path) === undefined) {
      this.#handle = await this.#disk.open(path, "create", 0o600);
      await this.#disk.syncDirectory(this.#directory);
      return;
    }
    this.#handle = await this.#disk.open(path, "update");
    const [found, expected] = [await this.#handle.sizeBytes(), this.#acceptedIn(file)];
    if (found === expected) return;
    const message =
      `Cannot append to the journal as "${file}" must have ${expected} bytes: current value is ${found}`;
    throw new JournalError({ code: "failed", message });
  }

  async #restoreFile(name: string): Promise<void> {
    const path = `${this.#directory}/${name}`;
    if (await this.#disk.stat(path) === undefined) return;
    const file = await this.#disk.open(path, "update");
    try {
      const end = this.#acceptedIn(name);
      if (await file.sizeBytes() > end) await file.truncate(end);
      if (name === this.#file) await rewrite(file, { from: this.#synced, to: end });
      await file.sync();
    } finally {
      await file.close();
    }
  }

  /** Closes whatever is open; that it fails too tells nothing new. */
  async #drop(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => {});
  }

  #acceptedIn(file: string): number {
    return file === this.#file ? this.#offset : 0;
  }
}

async function rewrite(file: DiskFile, range: { from: number; to: number }): Promise<void> {
  const chunk = new Uint8Array(Math.min(COPY_BYTES, Math.max(0, range.to - range.from)));
  for (let at = range.from; at < range.to;) {
    const count = await file.read(chunk.subarray(0, range.to - at), at);
    if (count === 0) return;
    await file.write(chunk.subarray(0, count), at);
    at += count;
  }
}
