/**
 * Rows that wait for an executor, and who is computed next: the peer that has had least, in the order
 * in which its frames came.
 */
import type { PeerKey } from "../ports/mod.ts";
import type { ForwardEntry, ForwardFrame } from "./forward_frame.ts";
import { stepRowsMax } from "./limits.ts";
import type { ServedSession } from "./_served_session.ts";
import type { StageConnection } from "./_stage_connection.ts";

/** An entry with its session. */
export interface QueuedEntry {
  readonly session: ServedSession;
  readonly entry: ForwardEntry;
  /** Of the session when the frame came: another one makes the entry stale. */
  readonly generation: number;
}

/** A forward that waits. */
export interface QueuedForward {
  readonly frame: ForwardFrame;
  readonly entries: readonly QueuedEntry[];
  readonly rows: number;
  readonly owner: PeerKey;
  readonly from: StageConnection;
  /** Monotonic time after which nobody wants it. */
  readonly dueMs: number;
}

/** Whether somebody still waits for an entry. */
export function isWanted({ session, generation }: QueuedEntry): boolean {
  return session.generation === generation;
}

/** Frames of all peers. */
export class StepQueue {
  readonly #byOwner = new Map<PeerKey, QueuedForward[]>();
  /** Rows that each waiting peer has had, counted from where the least of them was when it came. */
  readonly #used = new Map<PeerKey, number>();
  readonly #bytes = new Map<PeerKey, number>();

  /** Bytes of a peer's rows that wait. */
  bytesOf(owner: PeerKey): number {
    return this.#bytes.get(owner) ?? 0;
  }

  /** Adds a frame at the end of its owner's. */
  push(item: QueuedForward): void {
    const { owner } = item;
    const mine = this.#byOwner.get(owner) ?? [];
    if (mine.length === 0) {
      const least = Math.min(...[...this.#byOwner.keys()].map((one) => this.#used.get(one) ?? 0));
      const used = this.#used.get(owner) ?? 0;
      this.#used.set(owner, Number.isFinite(least) ? Math.max(used, least) : used);
      this.#byOwner.set(owner, mine);
    }
    mine.push(item);
    this.#bytes.set(owner, this.bytesOf(owner) + item.frame.data.byteLength);
  }

  /** The frames of the next step: of the same layers, no session twice, as many rows as fit. */
  take(): readonly QueuedForward[] {
    const taken: QueuedForward[] = [];
    const sessions = new Set<string>();
    const passed = new Set<PeerKey>();
    let rows = 0;
    for (;;) {
      const owner = this.#neediest(passed);
      if (owner === undefined) return taken;
      const item = this.#byOwner.get(owner)?.[0];
      if (item === undefined || !fits(item, { taken, rows, sessions })) {
        passed.add(owner);
        continue;
      }
      this.#shift(owner, item);
      taken.push(item);
      rows += item.rows;
      for (const { session } of item.entries) sessions.add(session.id);
    }
  }

  #neediest(passed: ReadonlySet<PeerKey>): PeerKey | undefined {
    let best: PeerKey | undefined;
    for (const owner of this.#byOwner.keys()) {
      if (passed.has(owner)) continue;
      const used = this.#used.get(owner) ?? 0;
      if (best === undefined || used < (this.#used.get(best) ?? 0)) best = owner;
    }
    return best;
  }

  #shift(owner: PeerKey, item: QueuedForward): void {
    const mine = this.#byOwner.get(owner);
    mine?.shift();
    this.#used.set(owner, (this.#used.get(owner) ?? 0) + item.rows);
    this.#bytes.set(owner, this.bytesOf(owner) - item.frame.data.byteLength);
    if (mine?.length !== 0) return;
    this.#byOwner.delete(owner);
    this.#bytes.delete(owner);
    // With nobody waiting, nobody is ahead of anybody.
    if (this.#byOwner.size === 0) this.#used.clear();
  }
}

function fits(
  item: QueuedForward,
  { taken, rows, sessions }: {
    readonly taken: readonly QueuedForward[];
    readonly rows: number;
    readonly sessions: ReadonlySet<string>;
  },
): boolean {
  const [first] = taken;
  if (first === undefined) return true;
  return rows + item.rows <= stepRowsMax &&
    first.frame.firstLayer === item.frame.firstLayer &&
    first.frame.endLayer === item.frame.endLayer &&
    !item.entries.some(({ session }) => sessions.has(session.id));
}
