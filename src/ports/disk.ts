/**
 * The disk port: the only way to files and directories.
 *
 * The interface names exactly the steps that matter for durability, so that the modelled disk
 * (src/sim) can lose what a crash may lose: file data that was not `sync`ed, and directory entries
 * (creations, renames, removals) whose directory was not `syncDirectory`ed.
 *
 * Failures are `DiskError`s with a closed set of codes; what the platform said is kept as `cause`.
 */

/** Why a disk operation failed; `io` stands for everything else. */
export type DiskErrorCode =
  | "not-found"
  | "exists"
  | "denied"
  | "read-only"
  | "full"
  | "not-a-directory"
  | "is-a-directory"
  | "not-empty"
  | "too-many-open"
  | "io";

/** A failed disk operation. */
export class DiskError extends Error {
  override readonly name = "DiskError";
  /** The kind of failure. */
  readonly code: DiskErrorCode;
  /** The path of the operation. */
  readonly path: string;

  /** @param options `message` is one sentence; `cause` is what the platform threw */
  constructor(options: { code: DiskErrorCode; path: string; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
    this.path = options.path;
  }
}

/** What `stat` tells of a path. */
export interface FileInfo {
  /** What is there; symbolic links are followed, anything else (socket, device) is "other". */
  readonly kind: "file" | "directory" | "other";
  /** Length in bytes. */
  readonly sizeBytes: number;
  /** Permission bits, 0..0o777. */
  readonly mode: number;
  /** The number of the user who owns it. */
  readonly ownerId: number;
  /** Last modification, Unix milliseconds. */
  readonly modifiedMs: number;
}

/**
 * How to open a file: `read` an existing one; `append` (created if missing; writes go to the end);
 * `create` a new one for writing (fails with "exists"); `truncate` (created or emptied, for writing);
 * `update` an existing one for reading and writing.
 */
export type OpenMode = "read" | "append" | "create" | "truncate" | "update";

/** An open file. Every method fails with `DiskError`; after `close` all fail with code "io". */
export interface DiskFile {
  /** Reads up to `into.length` bytes at `position`; returns how many, 0 at the end of the file. */
  read(into: Uint8Array, position: number): Promise<number>;
  /** Writes all of `bytes`, at `position`, or at the end when opened with `append`. */
  write(bytes: Uint8Array, position?: number): Promise<void>;
  /** Cuts or extends (with zeros) the file to `sizeBytes`. */
  truncate(sizeBytes: number): Promise<void>;
  /** Returns when the file's data and length survive a power cut (fsync). */
  sync(): Promise<void>;
  /** The file's current length in bytes. */
  sizeBytes(): Promise<number>;
  /** Closes; does not sync. */
  close(): Promise<void>;
}

/** Files and directories. Paths are absolute. */
export interface Disk {
  /** Opens a file; `permissions` (default 0o600) apply when it is created, whatever the umask. */
  open(path: string, mode: OpenMode, permissions?: number): Promise<DiskFile>;
  /** Describes what is at `path`, or `undefined` when nothing is there. */
  stat(path: string): Promise<FileInfo | undefined>;
  /** Names in a directory, sorted. */
  list(path: string): Promise<string[]>;
  /** Creates a directory and its missing parents with `permissions` (default 0o700). */
  makeDirectory(path: string, permissions?: number): Promise<void>;
  /** Atomically renames within one file system, replacing a file at `to`. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file (or a socket); nothing there is a DiskError "not-found". */
  remove(path: string): Promise<void>;
  /** Removes an empty directory. */
  removeDirectory(path: string): Promise<void>;
  /** Returns when the entries of a directory survive a power cut (fsync of the directory). */
  syncDirectory(path: string): Promise<void>;
}
