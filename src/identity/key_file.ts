/**
 * The key file: 32 raw bytes, the Ed25519 seed, mode 0600. A file of another length, or one that
 * others may read, is refused and left as it is: a node that lost its key must not quietly become
 * another node.
 */
import { DiskError, makeDirectoryDurably, readWholeFile, writeFileDurably } from "../ports/mod.ts";
import type { Disk, Random } from "../ports/mod.ts";
import { SEED_BYTES } from "./_ed25519.ts";
import { IdentityError } from "./errors.ts";
import type { IdentityErrorCode } from "./errors.ts";
import { identityFromSeed } from "./identity.ts";
import type { Identity } from "./identity.ts";

/** Where the key is. */
export interface KeyFile {
  /** The disk that holds it. */
  readonly disk: Disk;
  /** Absolute path of the key file. */
  readonly path: string;
}

/** The permission bits that nobody but the owner may have, and execution. */
const FORBIDDEN_MODE = 0o177;

/**
 * Reads the key; `undefined` when there is no file. Creates and changes nothing.
 *
 * @throws {IdentityError} "wrong-length", "too-open", "not-a-file", "unreadable"
 */
export async function readIdentity(file: KeyFile): Promise<Identity | undefined> {
  const seed = await readSeed(file);
  if (seed === undefined) return undefined;
  const identity = identityFromSeed(seed);
  seed.fill(0);
  return identity;
}

/**
 * Reads the key, or mints one where there is none and stores it so that a crash leaves it whole or
 * absent. The caller holds the single-instance lock, so nobody else mints at the same time.
 *
 * @throws {IdentityError} as `readIdentity`, and "unwritable"
 */
export async function openIdentity(file: KeyFile & { readonly random: Random }): Promise<Identity> {
  const existing = await readIdentity(file);
  if (existing !== undefined) return existing;
  const seed = file.random.fill(new Uint8Array(SEED_BYTES));
  try {
    const directory = file.path.slice(0, Math.max(1, file.path.lastIndexOf("/")));
    await makeDirectoryDurably(file.disk, { path: directory });
    await writeFileDurably(file.disk, { path: file.path, bytes: seed, permissions: 0o600 });
    return identityFromSeed(seed);
  } catch (thrown) {
    throw failure("unwritable", { path: file.path, rule: reasonOf(thrown), cause: thrown });
  } finally {
    seed.fill(0);
  }
}

async function readSeed({ disk, path }: KeyFile): Promise<Uint8Array | undefined> {
  try {
    const info = await disk.stat(path);
    if (info === undefined) return undefined;
    if (info.kind !== "file") {
      throw failure("not-a-file", {
        path,
        rule: `it must be a file: current value is ${info.kind}`,
      });
    }
    if ((info.mode & FORBIDDEN_MODE) !== 0) {
      const mode = info.mode.toString(8).padStart(4, "0");
      const rule = `only its owner may read and write it (chmod 600): current value is ${mode}`;
      throw failure("too-open", { path, rule });
    }
    if (info.sizeBytes !== SEED_BYTES) {
      const rule = `it must have ${SEED_BYTES} bytes: current value is ${info.sizeBytes}`;
      throw failure("wrong-length", { path, rule });
    }
    const seed = await readWholeFile(disk, { path, bytesMax: SEED_BYTES });
    if (seed.length === SEED_BYTES) return seed;
    const rule = `it must have ${SEED_BYTES} bytes: current value is ${seed.length}`;
    throw failure("wrong-length", { path, rule });
  } catch (thrown) {
    if (thrown instanceof IdentityError) throw thrown;
    throw failure("unreadable", { path, rule: reasonOf(thrown), cause: thrown });
  }
}

function reasonOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  // Of a disk's sentence only the reason; its path may be the temporary file's.
  const at = thrown instanceof DiskError ? thrown.message.indexOf(" as ") : -1;
  return at < 0 ? thrown.message : thrown.message.slice(at + " as ".length);
}

function failure(
  code: IdentityErrorCode,
  about: { path: string; rule: string; cause?: unknown },
): IdentityError {
  const verb = code === "unwritable" ? "store" : "use";
  const message = `Cannot ${verb} key file "${about.path}" as ${about.rule}`;
  return new IdentityError({ code, message, cause: about.cause });
}
