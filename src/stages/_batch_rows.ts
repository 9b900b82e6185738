/** Rows of frames that share a step of a stage: those of the entries that are still wanted. */
import type { QueuedEntry } from "./_step_queue.ts";

/** The rows of the entries that are wanted; in place where that is all. */
// tidy: allow positional-parameters as all entries and some of them are one thought
export function wantedRows<Rows extends Float32Array | Uint32Array>(
  all: readonly QueuedEntry[],
  wanted: readonly QueuedEntry[],
  { data, width }: { readonly data: Rows; readonly width: number },
): Rows {
  if (wanted.length === all.length) return data;
  const kept: Rows[] = [];
  let at = 0;
  for (const queued of all) {
    const end = at + queued.entry.positionCount * width;
    if (wanted.includes(queued)) kept.push(data.subarray(at, end) as Rows);
    at = end;
  }
  return joined(kept);
}

/** Values one after the other; in place where they are one. */
export function joined<Rows extends Float32Array | Uint32Array>(parts: readonly Rows[]): Rows {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = first instanceof Uint32Array ? new Uint32Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all as Rows;
}
