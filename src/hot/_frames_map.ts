/**
 * Addresses in the frames kernel's memory, as drawn in `wasm/frames/map.ts`, its statuses, and the
 * face that the WebAssembly kernel and its TypeScript twin share.
 */

/** Status, bytes consumed, offset of the error, bytes needed: 4 B each. */
export const RESULT = 0;
/** Records: 8 B each, or 16 B for commands. */
export const RECORDS = 0x1000;
/** Bytes of the records. */
export const RECORDS_BYTES = 0x80000;
/** Arguments of commands: offset and length, 8 B each. */
export const ARGUMENTS = 0x81000;
/** Arguments in one table at most. */
export const ARGUMENTS_MAX = 65536;
/** The bytes to scan. */
export const INPUT = 0x101000;
/** Bytes of the input. */
export const INPUT_BYTES = 0x810000;
/** Bytes of the whole memory. */
export const MEMORY_BYTES = 0x920000;

/**
 * How a scan ended; the index is the kernel's number:
 * - `done`: everything complete was taken; what is left, if anything, waits for more bytes;
 * - `table-full`: scan again from `consumedBytes`;
 * - `too-long`: a message above `bytesMax`, or announced to be;
 * - `invalid-utf8`: a byte that UTF-8 does not allow where it is;
 * - `wrong-type`: a command or argument that begins with another byte than `*` or `$`;
 * - `wrong-count`: a count with a sign or a leading zero, above 999,999,999, or no number;
 * - `too-many`: more arguments than `argumentsMax`;
 * - `wrong-end`: an argument without CR LF behind it.
 */
export const SCAN_STATUSES = [
  "done",
  "table-full",
  "too-long",
  "invalid-utf8",
  "wrong-type",
  "wrong-count",
  "too-many",
  "wrong-end",
] as const;

/** How a scan ended: see `SCAN_STATUSES`. */
export type ScanStatus = (typeof SCAN_STATUSES)[number];

/** What the WebAssembly module exports; documented at `wasm/frames/`. Checks no argument. */
export interface FramesKernel {
  readonly memory: { readonly buffer: ArrayBuffer };
  scanLengths(
    p: number,
    length: number,
    bytesMax: number,
    recordsMax: number,
    utf8: number,
  ): number;
  scanLines(p: number, length: number, bytesMax: number, recordsMax: number, utf8: number): number;
  scanCommands(
    p: number,
    length: number,
    bytesMax: number,
    recordsMax: number,
    utf8: number,
    argumentsMax: number,
  ): number;
  utf8Prefix(p: number, length: number): number;
}
