/**
 * Leaves of sessions that a stage has signed for, on disk, so that they outlive the process: a file
 * for each session, `<time>-<session>.leaves`, replaced whole.
 *
 * Files go after a day. Policy at the limit of bytes or files: the oldest goes, and is counted.
 * Leaves of tokens tell the tokens, so files are their owner's alone.
 */
import { join } from "node:path";
import type { Clock, Disk } from "../ports/mod.ts";
import { DiskError, makeDirectoryDurably, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import { decodeLeafFile, encodeLeafFile } from "./leaf_file.ts";
import type { SessionRecord } from "./session_record.ts";

/** What a store works with. */
export interface LeafStoreOptions {
  readonly disk: Disk;
  /** Absolute. */
  readonly directory: string;
  readonly clock: Pick<Clock, "nowMs">;
  /** How long leaves are kept. @default 24 h */
  readonly keepMs?: number;
  /** Bytes of all files at most. @default 256 MiB */
  readonly bytesMax?: number;
  /** Files at most. @default 4096 */
  readonly filesMax?: number;
}

/** Counters since the start. */
export interface LeafStoreCounters {
  readonly files: number;
  readonly bytes: number;
  /** Files that went before their time, for room. */
  readonly evicted: number;
  /** Files that were cut or changed, and were removed. */
  readonly damaged: number;
  /** Sessions whose leaves could not be written. */
  readonly unkept: number;
}

interface KeptFile {
  readonly session: string;
  readonly keptAtMs: number;
  readonly bytes: number;
}

const namePattern = /^(\d{15})-([0-9a-f]{32})\.leaves$/;
const dayMs = 24 * 3600 * 1000;

/** The leaves of one node. */
export class LeafStore {
  readonly #options: Required<LeafStoreOptions>;
  /** Files by their session, the oldest first; undefined before the directory was read. */
  #files: Map<string, KeptFile> | undefined;
  /** What is done with files is done one by one. */
  #turn: Promise<unknown> = Promise.resolve();
  #evicted = 0;
  #damaged = 0;
  #unkept = 0;

  constructor(options: LeafStoreOptions) {
    const bytesMax = 256 * 1024 * 1024;
    this.#options = { keepMs: dayMs, bytesMax, filesMax: 4096, ...options };
  }

  counters(): LeafStoreCounters {
    const files = [...this.#files?.values() ?? []];
    return {
      files: files.length,
      bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
      evicted: this.#evicted,
      damaged: this.#damaged,
      unkept: this.#unkept,
    };
  }

  /**
   * Keeps the leaves of a record up to position `to`, in place of those that are kept of its session;
   * on return they survive a power cut. What was recorded when it was called is what is kept.
   *
   * @returns whether they are kept; a disk that fails, or has no room, is counted
   */
  async keep(record: SessionRecord, to: number): Promise<boolean> {
    const bytes = encodeLeafFile(record, to);
    const { session } = record.open;
    return await this.#inTurn(async () => {
      try {
        await this.#write(session, bytes);
        return true;
      } catch (thrown) {
        if (!(thrown instanceof DiskError)) throw thrown;
        this.#unkept++;
        return false;
      }
    });
  }

  /** What is kept of a session, and since when; undefined where nothing is. */
  async find(
    session: string,
  ): Promise<{ readonly record: SessionRecord; readonly keptAtMs: number } | undefined> {
    return await this.#inTurn(async () => {
      try {
        return await this.#read(session);
      } catch (thrown) {
        if (!(thrown instanceof DiskError)) throw thrown;
        return undefined;
      }
    });
  }

  async #write(session: string, bytes: Uint8Array): Promise<void> {
    const { disk, directory, clock, bytesMax } = this.#options;
    if (await disk.stat(directory) === undefined) {
      await makeDirectoryDurably(disk, { path: directory, permissions: 0o700 });
    }
    const files = await this.#index();
    if (bytes.length > bytesMax) {
      const message = `Cannot keep ${bytes.length} bytes of leaves as all may have ${bytesMax}`;
      throw new DiskError({ code: "full", path: directory, message });
    }
    const before = files.get(session);
    await this.#makeRoom(files, { session, bytes: bytes.length });
    const kept = { session, keptAtMs: clock.nowMs(), bytes: bytes.length };
    await writeFileDurably(disk, { path: this.#pathOf(kept), bytes, permissions: 0o600 });
    // Again at the end, so that the first is always the oldest.
    files.delete(session);
    files.set(session, kept);
    // A crash before this leaves two; the older one goes at the next start.
    if (before !== undefined && before.keptAtMs !== kept.keptAtMs) await this.#remove(before);
  }

  async #read(
    session: string,
  ): Promise<{ readonly record: SessionRecord; readonly keptAtMs: number } | undefined> {
    const files = await this.#index();
    await this.#expire(files);
    const file = files.get(session);
    if (file === undefined) return undefined;
    const record = await this.#decoded(file);
    if (record !== undefined && record.open.session === session) {
      return { record, keptAtMs: file.keptAtMs };
    }
    this.#damaged++;
    files.delete(session);
    await this.#remove(file);
    return undefined;
  }

  async #decoded(file: KeptFile): Promise<SessionRecord | undefined> {
    try {
      const where = { path: this.#pathOf(file), bytesMax: file.bytes };
      return decodeLeafFile(await readWholeFile(this.#options.disk, where));
    } catch (thrown) {
      // Longer than it was.
      if (thrown instanceof RangeError) return undefined;
      throw thrown;
    }
  }

  /** Reads the directory once; what a crash has left over is removed. */
  async #index(): Promise<Map<string, KeptFile>> {
    if (this.#files !== undefined) return this.#files;
    const { disk, directory } = this.#options;
    const files = new Map<string, KeptFile>();
    const names = await disk.stat(directory) === undefined ? [] : await disk.list(directory);
    for (const name of names) {
      const path = join(directory, name);
      if (name.endsWith(".leaves.tmp")) await disk.remove(path);
      const [, time, session] = namePattern.exec(name) ?? [];
      const info = await disk.stat(path);
      if (time === undefined || session === undefined || info === undefined) continue;
      const older = files.get(session);
      if (older !== undefined) await this.#remove(older);
      files.delete(session);
      files.set(session, { session, keptAtMs: Number(time), bytes: info.sizeBytes });
    }
    this.#files = files;
    return files;
  }

  async #expire(files: Map<string, KeptFile>): Promise<void> {
    const before = this.#options.clock.nowMs() - this.#options.keepMs;
    for (const [session, file] of files) {
      if (file.keptAtMs >= before) continue;
      files.delete(session);
      await this.#remove(file);
    }
  }

  async #makeRoom(
    files: Map<string, KeptFile>,
    { session, bytes }: Pick<KeptFile, "session" | "bytes">,
  ): Promise<void> {
    await this.#expire(files);
    const { bytesMax, filesMax } = this.#options;
    const others = [...files.values()].filter((file) => file.session !== session);
    let sum = others.reduce((all, file) => all + file.bytes, bytes);
    let count = others.length + 1;
    for (const file of others) {
      if (sum <= bytesMax && count <= filesMax) return;
      files.delete(file.session);
      await this.#remove(file);
      this.#evicted++;
      sum -= file.bytes;
      count--;
    }
  }

  async #remove(file: KeptFile): Promise<void> {
    try {
      await this.#options.disk.remove(this.#pathOf(file));
    } catch (thrown) {
      // Somebody else has removed it, as whoever wants leaves forgotten may.
      if (!(thrown instanceof DiskError && thrown.code === "not-found")) throw thrown;
    }
  }

  #pathOf({ keptAtMs, session }: Pick<KeptFile, "session" | "keptAtMs">): string {
    const time = String(Math.max(0, Math.floor(keptAtMs))).padStart(15, "0");
    return join(this.#options.directory, `${time}-${session}.leaves`);
  }

  async #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(action);
    this.#turn = result.catch(() => {});
    return await result;
  }
}

/** Where a node keeps leaves. @param state the node's state directory */
export function leafDirectory(state: string): string {
  return join(state, "leaves");
}
