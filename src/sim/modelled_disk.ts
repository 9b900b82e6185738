/**
 * A disk in memory that loses what a real one may lose.
 *
 * Data sits in a page cache until `sync`, directory entries until `syncDirectory`. `crash` gives the
 * disk after a power cut: of what was not synced, any subset survives: pages old, new, any version in
 * between, or torn; lengths likewise; and every directory entry on its own (a rename may leave the
 * file under its old name, the new one, both or neither, but the target is the old or the new file,
 * never a mixture). `kill` gives the disk after the process alone died: the cache is intact.
 *
 * Faults: an operation fails before, after or part way through its effect (`faults`), the power goes
 * off at an operation (`powerCut`; everything from then on fails), the disk fills (`capacityBytes`) or
 * turns read-only (`readOnly`). A failed sync drops its dirty pages as Linux does. `operations` lists
 * what was done, so that a test can stop at each in turn.
 *
 * Not modelled: access permissions (bits are kept, not enforced), links, sectors that a power cut makes
 * unreadable, the loss of data that an earlier sync reported safe.
 */
import { DiskError } from "../ports/mod.ts";
import type { Clock, Disk, DiskErrorCode, DiskFile, FileInfo, OpenMode } from "../ports/mod.ts";
import { CachedDirectory } from "./_cached_directory.ts";
import type { CachedNode } from "./_cached_directory.ts";
import { CachedFile } from "./_cached_file.ts";
import { ModelledFile } from "./_modelled_file.ts";
import type { Admission, DiskFault, DiskOperation } from "./disk_operation.ts";
import type { SeededRandom } from "./seeded_random.ts";

/** An in-memory `Disk` with a page cache, crashes and faults. */
export class ModelledDisk implements Disk {
  /** Everything done so far, in order; the index is the operation's number. */
  readonly operations: DiskOperation[] = [];
  /** Operations that are to fail. */
  faults: readonly DiskFault[] = [];
  /** The operation at which the power goes off: before or after its effect. */
  powerCut: { readonly operation: number; readonly moment: "before" | "after" } | undefined;
  /** Bytes that all files together may hold. */
  capacityBytes = Number.MAX_SAFE_INTEGER;
  /** The user who owns what is created from now on; nobody is kept from anything by it. */
  ownerId = 1000;
  /** While true, everything that changes the disk fails with "read-only". */
  readOnly = false;
  readonly #root: CachedDirectory;
  readonly #pageBytes: number;
  readonly #clock: Clock | undefined;
  #usedBytes = 0;
  #powered = true;

  /** @param options `pageBytes` @default 4096; `clock` gives modification times, 0 without it */
  constructor(
    options: {
      readonly pageBytes?: number;
      readonly clock?: Clock;
      readonly root?: CachedDirectory;
    } = {},
  ) {
    this.#root = options.root ?? new CachedDirectory({ mode: 0o700, ownerId: this.ownerId });
    this.#pageBytes = options.pageBytes ?? 4096;
    this.#clock = options.clock;
  }

  /** Whether the power is still on. */
  get powered(): boolean {
    return this.#powered;
  }

  /** The disk as a power cut at this moment may leave it; `random` picks what survives. */
  crash(random: SeededRandom): ModelledDisk {
    const seen = new Map<CachedNode, CachedNode>();
    function survive(node: CachedNode): CachedNode {
      const known = seen.get(node);
      if (known !== undefined) return known;
      const left = node.kind === "file" ? node.crash(random) : node.crash(random, survive);
      seen.set(node, left);
      return left;
    }
    return this.#restarted(this.#root.crash(random, survive));
  }

  /** The disk as it is when only the process died: nothing in the cache is lost. */
  kill(): ModelledDisk {
    const seen = new Map<CachedNode, CachedNode>();
    function survive(node: CachedNode): CachedNode {
      const known = seen.get(node);
      if (known !== undefined) return known;
      const left = node.kind === "file" ? node.settled() : node.settled(survive);
      seen.set(node, left);
      return left;
    }
    return this.#restarted(this.#root.settled(survive));
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- a port's method rejects, never throws
  async open(path: string, mode: OpenMode, permissions = 0o600): Promise<DiskFile> {
    const changes = mode !== "read";
    const admission = this.#admit({ kind: `open:${mode}`, path }, changes);
    const file = this.#openFile({ path, mode, permissions, effect: admission.effect });
    if (admission.error) throw admission.error;
    if (file === undefined) throw failure("io", { verb: "open", path });
    const append = mode === "append";
    return new ModelledFile(file, { path, append, host: this.#hostOf(file) });
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async stat(path: string): Promise<FileInfo | undefined> {
    this.#admitWhole({ kind: "stat", path }, false);
    const node = this.#find(path);
    if (node === undefined) return undefined;
    const { kind, sizeBytes, mode, ownerId, modifiedMs } = node;
    return { kind, sizeBytes, mode, ownerId, modifiedMs };
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async list(path: string): Promise<string[]> {
    this.#admitWhole({ kind: "list", path }, false);
    return this.#directory(path, "list").names();
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async makeDirectory(path: string, permissions = 0o700): Promise<void> {
    this.#change({ kind: "makeDirectory", path }, () => {
      let directory = this.#root;
      const parts = partsOf(path);
      parts.forEach((name, i) => {
        let next = directory.get(name);
        if (next?.kind === "file") {
          const code = i === parts.length - 1 ? "exists" : "not-a-directory";
          throw failure(code, { verb: "create directory", path });
        }
        if (next === undefined) {
          next = new CachedDirectory({ mode: permissions, ownerId: this.ownerId });
          directory.set(name, next);
        }
        directory = next;
      });
    });
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async rename(from: string, to: string): Promise<void> {
    this.#change({ kind: "rename", path: from }, () => {
      const source = this.#parentOf(from, "rename");
      const target = this.#parentOf(to, "rename");
      const node = source.directory.get(source.name);
      if (node === undefined) throw failure("not-found", { verb: "rename", path: from });
      const replaced = target.directory.get(target.name);
      if (replaced === node) return;
      if (replaced !== undefined) checkReplace(node, replaced, to);
      if (replaced?.kind === "file") this.#usedBytes -= replaced.sizeBytes;
      target.directory.set(target.name, node);
      source.directory.set(source.name, undefined);
    });
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async remove(path: string): Promise<void> {
    this.#change({ kind: "remove", path }, () => {
      const { directory, name } = this.#parentOf(path, "remove");
      const node = directory.get(name);
      if (node === undefined) throw failure("not-found", { verb: "remove", path });
      if (node.kind === "directory") throw failure("is-a-directory", { verb: "remove", path });
      this.#usedBytes -= node.sizeBytes;
      directory.set(name, undefined);
    });
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async removeDirectory(path: string): Promise<void> {
    this.#change({ kind: "removeDirectory", path }, () => {
      const directory = this.#directory(path, "remove directory");
      if (directory.names().length > 0) {
        throw failure("not-empty", { verb: "remove directory", path });
      }
      const parent = this.#parentOf(path, "remove directory");
      parent.directory.set(parent.name, undefined);
    });
  }

  /** See `Disk`. */
  // deno-lint-ignore require-await -- as above
  async syncDirectory(path: string): Promise<void> {
    this.#change({ kind: "syncDirectory", path }, () => this.#directory(path, "sync").sync());
  }

  #restarted(root: CachedDirectory): ModelledDisk {
    const clock = this.#clock;
    const disk = new ModelledDisk({
      root,
      pageBytes: this.#pageBytes,
      ...(clock ? { clock } : {}),
    });
    disk.capacityBytes = this.capacityBytes;
    disk.ownerId = this.ownerId;
    disk.#usedBytes = bytesUnder(root);
    return disk;
  }

  #hostOf(file: CachedFile): ConstructorParameters<typeof ModelledFile>[1]["host"] {
    return {
      admit: (operation, changes) => this.#admit(operation, changes),
      roomBytes: () => this.capacityBytes - this.#usedBytes,
      changed: (grownBytes) => {
        this.#usedBytes += grownBytes;
        file.modifiedMs = this.#clock?.nowMs() ?? 0;
      },
    };
  }

  /** Numbers the operation and tells how it will end. @throws {DiskError} when it has no effect */
  #admit(operation: DiskOperation, changes: boolean): Admission {
    const at = { verb: operation.kind, path: operation.path };
    if (!this.#powered) throw failure("io", at);
    const index = this.operations.push(operation) - 1;
    if (this.powerCut?.operation === index) {
      this.#powered = false;
      const error = failure("io", at);
      if (this.powerCut.moment === "before") throw error;
      return { effect: 1, error };
    }
    if (changes && this.readOnly) throw failure("read-only", at);
    const fault = this.faults.find((one) => one.operation === index);
    if (fault === undefined) return { effect: 1 };
    const effect = fault.moment === "after" ? 1 : fault.moment === "partly" ? 0.5 : 0;
    return { effect, error: failure(fault.code, at) };
  }

  #admitWhole(operation: DiskOperation, changes: boolean): void {
    const { error } = this.#admit(operation, changes);
    if (error) throw error;
  }

  #change(operation: DiskOperation, effect: () => void): void {
    const admission = this.#admit(operation, true);
    if (admission.effect === 1) effect();
    if (admission.error) throw admission.error;
  }

  #openFile(
    want: { path: string; mode: OpenMode; permissions: number; effect: number },
  ): CachedFile | undefined {
    const { path, mode } = want;
    const { directory, name } = this.#parentOf(path, "open");
    const node = directory.get(name);
    if (node?.kind === "directory") throw failure("is-a-directory", { verb: "open", path });
    if (node !== undefined && mode === "create") throw failure("exists", { verb: "open", path });
    if (want.effect < 1) return node;
    if (node !== undefined) {
      if (mode === "truncate") {
        this.#usedBytes -= node.sizeBytes;
        node.truncate(0);
      }
      return node;
    }
    if (mode === "read" || mode === "update") throw failure("not-found", { verb: "open", path });
    const { ownerId } = this;
    const file = new CachedFile({ mode: want.permissions, ownerId, pageBytes: this.#pageBytes });
    directory.set(name, file);
    return file;
  }

  #find(path: string): CachedNode | undefined {
    let node: CachedNode | undefined = this.#root;
    for (const name of partsOf(path)) {
      if (node?.kind !== "directory") return undefined;
      node = node.get(name);
    }
    return node;
  }

  #directory(path: string, verb: string): CachedDirectory {
    const node = this.#find(path);
    if (node?.kind === "directory") return node;
    throw failure(node === undefined ? "not-found" : "not-a-directory", { verb, path });
  }

  #parentOf(path: string, verb: string): { directory: CachedDirectory; name: string } {
    const parts = partsOf(path);
    const name = parts.pop();
    if (name === undefined) throw failure("is-a-directory", { verb, path });
    return { directory: this.#directory(`/${parts.join("/")}`, verb), name };
  }
}

function checkReplace(node: CachedNode, replaced: CachedNode, to: string): void {
  if (node.kind === "file" && replaced.kind === "directory") {
    throw failure("is-a-directory", { verb: "rename to", path: to });
  }
  if (node.kind === "directory" && replaced.kind === "file") {
    throw failure("not-a-directory", { verb: "rename to", path: to });
  }
  if (replaced.kind === "directory" && replaced.names().length > 0) {
    throw failure("not-empty", { verb: "rename to", path: to });
  }
}

function bytesUnder(node: CachedNode): number {
  if (node.kind === "file") return node.sizeBytes;
  let total = 0;
  for (const name of node.names()) {
    const child = node.get(name);
    if (child !== undefined) total += bytesUnder(child);
  }
  return total;
}

function partsOf(path: string): string[] {
  if (!path.startsWith("/") || path.includes("\0")) {
    throw new TypeError(
      `Cannot use a path as it must be absolute and without NUL: current value is ${
        JSON.stringify(path)
      }`,
    );
  }
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function failure(code: DiskErrorCode, at: { verb: string; path: string }): DiskError {
  const message = `Cannot ${at.verb} "${at.path}" as the modelled disk reports "${code}"`;
  return new DiskError({ code, path: at.path, message });
}
