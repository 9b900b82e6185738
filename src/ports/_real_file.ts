/** An open file of the real disk: whole writes, its own cursor, errors as `DiskError`. */
import type { FileHandle } from "node:fs/promises";
import type { DiskFile } from "./disk.ts";
import { diskError, toDiskError } from "./_errors.ts";

/** A `DiskFile` over a node:fs file handle. */
export class RealFile implements DiskFile {
  readonly #handle: FileHandle;
  readonly #path: string;
  readonly #append: boolean;
  /** Where a write without a position goes (not used when appending). */
  #cursor = 0;
  #closed = false;

  /** @param options `append` when the handle was opened with O_APPEND */
  constructor(handle: FileHandle, options: { path: string; append: boolean }) {
    this.#handle = handle;
    this.#path = options.path;
    this.#append = options.append;
  }

  /** See `DiskFile`. */
  async read(into: Uint8Array, position: number): Promise<number> {
    return await this.#attempt("read", async () => {
      if (into.length === 0) return 0;
      return (await this.#handle.read(into, 0, into.length, position)).bytesRead;
    });
  }

  /** See `DiskFile`. */
  async write(bytes: Uint8Array, position?: number): Promise<void> {
    await this.#attempt("write", async () => {
      let at: number | null = null;
      if (!this.#append) {
        at = position ?? this.#cursor;
        if (position === undefined) this.#cursor += bytes.length;
      }
      for (let done = 0; done < bytes.length;) {
        const where = at === null ? null : at + done;
        const left = bytes.length - done;
        const { bytesWritten } = await this.#handle.write(bytes, done, left, where);
        if (bytesWritten === 0) throw diskError("io", { verb: "write", path: this.#path });
        done += bytesWritten;
      }
    });
  }

  /** See `DiskFile`. */
  async truncate(sizeBytes: number): Promise<void> {
    await this.#attempt("truncate", () => this.#handle.truncate(sizeBytes));
  }

  /** See `DiskFile`. */
  async sync(): Promise<void> {
    await this.#attempt("sync", () => this.#handle.sync());
  }

  /** See `DiskFile`. */
  async sizeBytes(): Promise<number> {
    return await this.#attempt("stat", async () => (await this.#handle.stat()).size);
  }

  /** See `DiskFile`. */
  async close(): Promise<void> {
    await this.#attempt("close", async () => {
      this.#closed = true;
      await this.#handle.close();
    });
  }

  async #attempt<T>(verb: string, run: () => Promise<T>): Promise<T> {
    const at = { verb, path: this.#path };
    if (this.#closed) throw diskError("io", { ...at, cause: new TypeError("File is closed") });
    try {
      return await run();
    } catch (thrown) {
      throw toDiskError(thrown, at);
    }
  }
}
