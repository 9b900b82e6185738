/** What is recorded of, and done to, single operations of the modelled disk. */
import type { DiskError, DiskErrorCode } from "../ports/mod.ts";

/** One call to the disk or to one of its files. */
export interface DiskOperation {
  /** The method's name, with the mode of an open: "open:append", "write", "syncDirectory". */
  readonly kind: string;
  /** The path it was about. */
  readonly path: string;
}

/** Makes operation number `operation` (from 0) fail. */
export interface DiskFault {
  /** Index into `operations`. */
  readonly operation: number;
  /** What the caller sees. */
  readonly code: DiskErrorCode;
  /** Whether the effect took place; "partly" halves a write and is "before" for the rest. */
  readonly moment: "before" | "partly" | "after";
}

/** How an operation ends; the file object asks before each. */
export interface Admission {
  /** Share of the effect that takes place: 0, 0.5 or 1. */
  readonly effect: number;
  /** Thrown after the effect. */
  readonly error?: DiskError;
}
