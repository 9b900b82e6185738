/**
 * Reads a source from front to back straight into the hash kernel's memory, the next pieces being
 * read while the current one is hashed.
 *
 *     arena   0        64 KiB  a page of pairs, for whoever reads an outboard as well
 *             64 KiB    1 MiB  piece 0, 2, 4, ...
 *           1088 KiB    1 MiB  piece 1, 3, 5, ...
 *
 * The first bytes are kept off, since the kernel's face copies what lies outside the arena there.
 */
import type { Blake3 } from "../hot/mod.ts";
import { ModelError, quoteForMessage } from "./errors.ts";
import type { ByteSource } from "./gguf_types.ts";

/** Bytes of the arena that no piece uses, from its start. */
export const PAGE_BYTES: number = 64 * 1024;

/**
 * Bytes of a piece, 64 groups: each read has a cost of its own, so few large ones are fast.
 */
export const PIECE_BYTES: number = 1024 * 1024;

/** Pieces in memory: one is hashed, one is read. */
const SLOTS = 2;

/** Part of a source. */
export interface Piece {
  /** In the arena; what they hold is lost when the next piece is asked for. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Where they are in the source. */
  readonly offsetBytes: number;
}

/** What to read. */
export interface PieceOptions {
  readonly source: ByteSource;
  /** Its arena takes the pieces; nothing else may use it meanwhile. */
  readonly blake3: Blake3;
  /** Stops between two pieces. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * The pieces of a source in order: all of PIECE_BYTES but the last. No read is left running, however
 * the loop ends.
 *
 * @throws {ModelError} `truncated` when the source ends before its length
 * @throws {DiskError} when the disk fails
 * @throws the signal's reason when it aborts
 */
export async function* piecesOf(options: PieceOptions): AsyncGenerator<Piece, void> {
  const { source, blake3, signal } = options;
  const count = Math.ceil(source.sizeBytes / PIECE_BYTES);
  const running: Promise<Piece>[] = [];
  function begin(index: number): void {
    const offsetBytes = index * PIECE_BYTES;
    const length = Math.min(PIECE_BYTES, source.sizeBytes - offsetBytes);
    const at = PAGE_BYTES + (index % SLOTS) * PIECE_BYTES;
    const bytes = blake3.arena.subarray(at, at + length);
    const reading = readFully(source, bytes, offsetBytes).then(() => ({ bytes, offsetBytes }));
    // A failure is met when its turn comes; until then it must not count as unhandled.
    reading.catch(() => undefined);
    running[index % SLOTS] = reading;
  }
  try {
    for (let index = 0; index < Math.min(SLOTS, count); index++) begin(index);
    for (let index = 0; index < count; index++) {
      signal?.throwIfAborted();
      const piece = await running[index % SLOTS];
      if (piece !== undefined) yield piece;
      if (index + SLOTS < count) begin(index + SLOTS);
    }
  } finally {
    await Promise.allSettled(running);
  }
}

/** Fills `into` from a position. @throws {ModelError} `truncated` @throws {DiskError} */
export async function readFully(
  source: ByteSource,
  into: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < into.length;) {
    const count = await source.read(into.subarray(done), position + done);
    if (count === 0) {
      throw new ModelError(
        "truncated",
        `Cannot read ${quoteForMessage(source.name)} to its end as it has become shorter: ` +
          `it had ${source.sizeBytes} bytes, and ends at ${position + done}`,
      );
    }
    done += count;
  }
}
