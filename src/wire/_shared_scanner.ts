/**
 * The frame scanners of this thread: one that all decoders share, and a few that dialled connections
 * may have for themselves.
 *
 * A scan is synchronous and its table is copied out at once, so one WebAssembly memory (9.2 MiB, of
 * which only the touched pages cost) serves any number of connections. A connection whose bytes land
 * in a scanner's memory needs that memory for itself, and an engine reserves gigabytes of address
 * space for each; so there are at most `OWN_SCANNERS_MAX` of those, reused, and further connections
 * go by the shared one.
 */
import { FrameScanner } from "../hot/mod.ts";

/** Scanners that dialled connections have for themselves at the same time. */
export const OWN_SCANNERS_MAX = 16;

let shared: FrameScanner | undefined;
const idle: FrameScanner[] = [];
let lent = 0;

/** The scanner that is used for a moment: nothing of it may be kept. */
export function sharedScanner(): FrameScanner {
  return shared ??= new FrameScanner();
}

/** A scanner for one connection, or `undefined` when all are in use. Give it back. */
export function borrowScanner(): FrameScanner | undefined {
  if (lent === OWN_SCANNERS_MAX) return undefined;
  lent += 1;
  return idle.pop() ?? new FrameScanner();
}

/** Ends what `borrowScanner` began; call it once. */
export function returnScanner(scanner: FrameScanner): void {
  lent -= 1;
  idle.push(scanner);
}
