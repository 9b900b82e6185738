/** Reads a file line by line in bounded memory and linear time. */
import type { DiskFile } from "../ports/mod.ts";

/** One line of a file. */
export interface FileLine {
  /** Its bytes without LF; empty when `kind` is "too-long". Valid until the next line is asked for. */
  readonly bytes: Uint8Array;
  /** Where it starts in the file. */
  readonly offset: number;
  /** Bytes up to and including LF. */
  readonly length: number;
  /** "torn": the file ends without LF. "too-long": beyond the limit, skipped to its LF. */
  readonly kind: "whole" | "torn" | "too-long";
}

const CHUNK_BYTES = 64 * 1024;
const LF = 10;

/** The lines of `file` from the start to the end that it has at the time. */
export async function* readLines(
  file: DiskFile,
  limits: { readonly lineBytesMax: number },
): AsyncGenerator<FileLine, void> {
  let buffer = new Uint8Array(CHUNK_BYTES);
  let filled = 0;
  /** File offset of buffer[0]. */
  let base = 0;
  /** Bytes of an overlong line that were thrown away already. */
  let skipped = 0;
  for (;;) {
    if (filled === buffer.length) buffer = grown(buffer);
    const count = await file.read(buffer.subarray(filled), base + filled);
    if (count === 0) break;
    let start = 0;
    for (let searchFrom = filled;;) {
      const end = buffer.subarray(0, filled + count).indexOf(LF, searchFrom);
      if (end < 0) break;
      const length = skipped + end + 1 - start;
      const whole = length <= limits.lineBytesMax;
      const bytes = whole ? buffer.subarray(start, end) : new Uint8Array(0);
      const kind = whole ? "whole" : "too-long";
      yield { bytes, offset: base + start - skipped, length, kind };
      skipped = 0;
      start = searchFrom = end + 1;
    }
    filled += count;
    if (skipped > 0 || filled - start > limits.lineBytesMax) {
      skipped += filled - start;
      start = filled;
    }
    buffer.copyWithin(0, start, filled);
    base += start;
    filled -= start;
  }
  const length = skipped + filled;
  if (length === 0) return;
  const bytes = skipped > 0 ? new Uint8Array(0) : buffer.subarray(0, filled);
  yield { bytes, offset: base - skipped, length, kind: "torn" };
}

function grown(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const next = new Uint8Array(buffer.length * 2);
  next.set(buffer);
  return next;
}
