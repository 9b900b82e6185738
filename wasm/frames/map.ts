/**
 * Addresses of the frames module's memory. `src/hot/_frames_map.ts` has the same for its callers.
 *
 *   0x000000  result    status, bytes consumed, offset of the error, bytes needed: u32 each
 *   0x001000  records   65,536 of 8 B (offset, length), or 32,768 of 16 B for commands
 *   0x081000  arguments 65,536 of 8 B (offset, length)
 *   0x101000  input     8 MiB + 64 KiB, and 4 KiB behind it that may be read and are not used
 *   0x920000  end       146 pages of 64 KiB
 */
export const RESULT: usize = 0;
export const RECORDS: usize = 0x1000;
export const ARGUMENTS: usize = 0x81000;
export const ARGUMENTS_MAX: u32 = 65536;

/** Everything complete was taken: what is left, if anything, waits for more bytes. */
export const DONE: u32 = 0;
/** The table is full: scan again from `consumed`. */
export const TABLE_FULL: u32 = 1;
/** A length above the limit. */
export const TOO_LONG: u32 = 2;
/** A byte that UTF-8 does not allow where it is. */
export const INVALID_UTF8: u32 = 3;
/** A command or an argument that begins with another byte than `*` or `$`. */
export const WRONG_TYPE: u32 = 4;
/** A count that is negative, has a sign or a leading zero, or is no decimal number. */
export const WRONG_COUNT: u32 = 5;
/** More arguments than the limit. */
export const TOO_MANY: u32 = 6;
/** An argument without CR LF behind it. */
export const WRONG_END: u32 = 7;

/** Writes the result of a scan. Returns the number of records. */
export function finish(records: u32, status: u32, consumed: u32, error: u32, needed: u32): u32 {
  store<u32>(RESULT, status);
  store<u32>(RESULT, consumed, 4);
  store<u32>(RESULT, error, 8);
  store<u32>(RESULT, needed, 12);
  return records;
}
