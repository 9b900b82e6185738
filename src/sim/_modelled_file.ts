/** An open file of the modelled disk: asks the disk how each operation ends, then does its share. */
import { DiskError } from "../ports/mod.ts";
import type { DiskFile } from "../ports/mod.ts";
import type { CachedFile } from "./_cached_file.ts";
import type { Admission, DiskOperation } from "./disk_operation.ts";

/** What an open file needs of its disk. */
export interface FileHost {
  admit(operation: DiskOperation, changes: boolean): Admission;
  /** Bytes that may still be added to any file. */
  roomBytes(): number;
  /** Called after a change, with how much the file grew (negative when it shrank). */
  changed(grownBytes: number): void;
}

/** A `DiskFile` over cached content. */
export class ModelledFile implements DiskFile {
  readonly #file: CachedFile;
  readonly #path: string;
  readonly #append: boolean;
  readonly #host: FileHost;
  #cursor = 0;
  #closed = false;

  constructor(file: CachedFile, options: { path: string; append: boolean; host: FileHost }) {
    this.#file = file;
    this.#path = options.path;
    this.#append = options.append;
    this.#host = options.host;
  }

  // deno-lint-ignore require-await -- a port's method rejects, never throws
  async read(into: Uint8Array, position: number): Promise<number> {
    const { error } = this.#admit("read", false);
    if (error) throw error;
    return this.#file.read(into, position);
  }

  // deno-lint-ignore require-await -- as above
  async write(bytes: Uint8Array, position?: number): Promise<void> {
    const { effect, error } = this.#admit("write", true);
    const at = this.#append ? this.#file.sizeBytes : position ?? this.#cursor;
    if (!this.#append && position === undefined) this.#cursor += bytes.length;
    const grown = Math.max(0, at + bytes.length - this.#file.sizeBytes);
    const lacking = Math.max(0, grown - this.#host.roomBytes());
    const count = Math.min(Math.floor(bytes.length * effect), Math.max(0, bytes.length - lacking));
    const before = this.#file.sizeBytes;
    this.#file.write(bytes.subarray(0, count), at);
    this.#host.changed(this.#file.sizeBytes - before);
    if (error) throw error;
    if (lacking > 0) throw this.#failure("full");
  }

  // deno-lint-ignore require-await -- as above
  async truncate(sizeBytes: number): Promise<void> {
    const { effect, error } = this.#admit("truncate", true);
    if (effect === 1) {
      const before = this.#file.sizeBytes;
      this.#file.truncate(sizeBytes);
      this.#host.changed(sizeBytes - before);
    }
    if (error) throw error;
  }

  // deno-lint-ignore require-await -- as above
  async sync(): Promise<void> {
    const { effect, error } = this.#admit("sync", false);
    if (effect === 1) this.#file.sync();
    else this.#file.failSync();
    if (error) throw error;
  }

  // deno-lint-ignore require-await -- as above
  async sizeBytes(): Promise<number> {
    const { error } = this.#admit("sizeBytes", false);
    if (error) throw error;
    return this.#file.sizeBytes;
  }

  // deno-lint-ignore require-await -- as above
  async close(): Promise<void> {
    const { error } = this.#admit("close", false);
    this.#closed = true;
    if (error) throw error;
  }

  #admit(kind: string, changes: boolean): Admission {
    if (this.#closed) throw this.#failure("io");
    return this.#host.admit({ kind, path: this.#path }, changes);
  }

  #failure(code: "io" | "full"): DiskError {
    const message = `Cannot use "${this.#path}" as the modelled disk reports "${code}"`;
    return new DiskError({ code, path: this.#path, message });
  }
}
