/**
 * Translates what the platform throws into the ports' own errors; the only place in the repository
 * that knows errno names. Not a policy: what to do about a code is the caller's business.
 */
import { DiskError } from "./disk.ts";
import type { DiskErrorCode } from "./disk.ts";
import { NetworkError } from "./network.ts";
import type { NetworkErrorCode } from "./network.ts";

/** Errno names of open(2), write(2), rename(2) ... to disk codes; the rest is "io". */
const diskCodes: Readonly<Record<string, DiskErrorCode>> = {
  ENOENT: "not-found",
  EEXIST: "exists",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "read-only",
  ENOSPC: "full",
  EDQUOT: "full",
  ENOTDIR: "not-a-directory",
  EISDIR: "is-a-directory",
  ENOTEMPTY: "not-empty",
  EMFILE: "too-many-open",
  ENFILE: "too-many-open",
};

/** One clause for each code, for "Cannot <verb> <path> as <clause>". */
const diskClauses: Readonly<Record<DiskErrorCode, string>> = {
  "not-found": "it does not exist",
  "exists": "something is already there",
  "denied": "permission is denied",
  "read-only": "the file system is read-only",
  "full": "the disk is full",
  "not-a-directory": "a part of the path is not a directory",
  "is-a-directory": "it is a directory",
  "not-empty": "the directory is not empty",
  "too-many-open": "too many files are open",
  "io": "the system reported a failure",
};

const networkCodes: Readonly<Record<string, NetworkErrorCode>> = {
  EADDRINUSE: "in-use",
  ECONNREFUSED: "refused",
  EACCES: "denied",
  EPERM: "denied",
  ENOENT: "not-found",
  ENOTFOUND: "not-found",
  EADDRNOTAVAIL: "not-found",
};

const networkClauses: Readonly<Record<NetworkErrorCode, string>> = {
  "in-use": "the address is already in use",
  "refused": "nothing accepts connections there",
  "denied": "permission is denied",
  "path-too-long": "the path is too long",
  "not-found": "it does not exist",
  "io": "the system reported a failure",
};

/** The errno name of anything thrown ("" when it has none); Deno's NotCapable reads as EACCES. */
export function errnoOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  if (thrown.name === "NotCapable" || thrown.name === "PermissionDenied") return "EACCES";
  const code: unknown = Reflect.get(thrown, "code");
  return typeof code === "string" ? code : "";
}

/** A `DiskError` of `code` with its sentence. */
export function diskError(
  code: DiskErrorCode,
  at: { verb: string; path: string; cause?: unknown },
): DiskError {
  const detail = code === "io" && at.cause instanceof Error ? `: ${at.cause.message}` : "";
  const message = `Cannot ${at.verb} "${at.path}" as ${diskClauses[code]}${detail}`;
  return new DiskError({ code, path: at.path, message, cause: at.cause });
}

/** Turns anything caught into a `DiskError` that keeps it as the cause. */
export function toDiskError(thrown: unknown, at: { verb: string; path: string }): DiskError {
  if (thrown instanceof DiskError) return thrown;
  return diskError(diskCodes[errnoOf(thrown)] ?? "io", { ...at, cause: thrown });
}

/** A `NetworkError` of `code` with its sentence. */
export function networkError(
  code: NetworkErrorCode,
  at: { verb: string; where: string; cause?: unknown },
): NetworkError {
  const detail = code === "io" && at.cause instanceof Error ? `: ${at.cause.message}` : "";
  const message = `Cannot ${at.verb} "${at.where}" as ${networkClauses[code]}${detail}`;
  return new NetworkError({ code, message, cause: at.cause });
}

/** Turns anything caught into a `NetworkError` that keeps it as the cause. */
export function toNetworkError(thrown: unknown, at: { verb: string; where: string }): NetworkError {
  if (thrown instanceof NetworkError) return thrown;
  return networkError(networkCodes[errnoOf(thrown)] ?? "io", { ...at, cause: thrown });
}
