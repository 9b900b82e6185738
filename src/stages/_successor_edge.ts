/**
 * Rows on their way to one successor, from sessions of many requesters over one stream.
 *
 * A session whose credit is used up waits, and lets the others pass.
 */
import { isWanted } from "./_step_queue.ts";
import type { QueuedEntry } from "./_step_queue.ts";
import { StageLink } from "./_stage_link.ts";
import type { StageLinkOptions } from "./_stage_link.ts";

/** Rows that wait. */
export interface WaitingRows {
  readonly frame: Uint8Array;
  readonly entries: readonly QueuedEntry[];
  /** Bytes of a row. */
  readonly rowBytes: number;
  /** Called when they are on their way. */
  readonly onSent: () => void;
}

/** One edge. */
export class SuccessorEdge {
  readonly #link: StageLink;
  #waiting: WaitingRows[] = [];

  constructor(options: StageLinkOptions) {
    this.#link = new StageLink(options);
  }

  get peer(): string {
    return this.#link.peer;
  }

  /** Sends now, or when there is credit. */
  send(rows: WaitingRows): void {
    this.#waiting.push(rows);
    this.flush();
  }

  /** Sends what may be sent; what nobody wants any more is dropped. */
  flush(): void {
    const blocked = new Set<string>();
    const waiting = this.#waiting.filter(({ entries }) => entries.some(isWanted));
    this.#waiting = waiting.filter((rows) => {
      const isFree = rows.entries.every((queued) =>
        !blocked.has(queued.session.id) && hasCredit(queued, rows.rowBytes)
      );
      if (isFree) this.#send(rows);
      else for (const { session } of rows.entries) blocked.add(session.id);
      return !isFree;
    });
  }

  close(): void {
    this.#waiting = [];
    this.#link.close();
  }

  #send({ frame, entries, rowBytes, onSent }: WaitingRows): void {
    for (const { session, entry } of entries) {
      session.sendCreditBytes -= entry.positionCount * rowBytes;
    }
    this.#link.send(frame);
    onSent();
  }
}

function hasCredit({ session, entry }: QueuedEntry, rowBytes: number): boolean {
  return entry.positionCount * rowBytes <= session.sendCreditBytes;
}
