/** What a stage checks of an open and of rows before it takes them. */
import type { PeerKey } from "../ports/mod.ts";
import type { ForwardEntry, ForwardFrame } from "./forward_frame.ts";
import type { HeldPart } from "./held_part.ts";
import type { OwnPlace, ServedSession } from "./_served_session.ts";
import type { StageConnection } from "./_stage_connection.ts";
import type { QueuedEntry } from "./_step_queue.ts";
import { StageError } from "./stage_error.ts";
import type { StageOpen } from "./stage_open.ts";

/** Where a statement has `self`, and its neighbours. @throws {StageError} "wrong-layers" */
export function ownPlace({ stages, requester }: StageOpen, self: PeerKey): OwnPlace {
  const mine = stages.flatMap(({ peer }, i) => peer === self ? [i] : []);
  const [index] = mine;
  const place = index === undefined ? undefined : stages[index];
  if (index === undefined || place === undefined || mine.length > 1) {
    throw new StageError({
      code: "wrong-layers",
      message:
        `Cannot open a session as its statement must name this node once: it does ${mine.length} times`,
    });
  }
  return { place, predecessor: stages[index - 1]?.peer ?? requester, next: stages[index + 1] };
}

/**
 * Checks an entry against its session.
 *
 * @throws {StageError} "not-yours", "wrong-model", "wrong-class", "wrong-layers", "out-of-order",
 *   "context-full"
 */
export function checkForwardEntry(
  session: ServedSession,
  { connection, frame, entry }: {
    readonly connection: StageConnection;
    readonly frame: ForwardFrame;
    readonly entry: ForwardEntry;
  },
): void {
  const { open, own, layers } = session;
  if (own.predecessor !== connection.peer) {
    throw refused("not-yours", "rows of the session as the peer is not its predecessor");
  }
  if (frame.root !== open.root) {
    throw refused("wrong-model", "rows of another model than the session's");
  }
  if (frame.numericClass !== open.numericClass) {
    throw refused(
      "wrong-class",
      `rows of class "${frame.numericClass}" as the session has another`,
    );
  }
  const isRange = frame.firstLayer === layers.from && frame.endLayer === layers.to;
  if (!isRange || (frame.untilLayer > layers.to && own.next === undefined)) {
    throw refused(
      "wrong-layers",
      `rows for layers ${frame.firstLayer} to ${frame.endLayer}, until ${frame.untilLayer}, as the session has ${layers.from} to ${layers.to}`,
    );
  }
  checkPosition(session, entry);
}

function checkPosition({ planned, open }: ServedSession, entry: ForwardEntry): void {
  const { firstPosition, positionCount, rollback } = entry;
  if (firstPosition > planned || (firstPosition < planned && !rollback)) {
    throw refused("out-of-order", `position ${firstPosition} as position ${planned} comes next`);
  }
  if (firstPosition + positionCount <= open.positionsMax) return;
  throw refused(
    "context-full",
    `position ${firstPosition + positionCount - 1} as the session has at most ${open.positionsMax}`,
  );
}

/**
 * Checks the data of a frame against the part, and that it is of one requester.
 *
 * @throws {StageError} "wrong-format", "not-yours", "not-a-number"
 */
export function checkRows(
  frame: ForwardFrame,
  { entries, part }: { readonly entries: readonly QueuedEntry[]; readonly part: HeldPart },
): void {
  const [first] = entries;
  const isOne = entries.every(({ session }) =>
    session.owner === first?.session.owner && session.part === part &&
    session.own.next?.peer === first.session.own.next?.peer
  );
  if (!isOne) throw refused("not-yours", "rows of several requesters in one frame");
  const { width, vocabularySize } = part.executor.shape;
  if (frame.format === "tokens") {
    if (!entries.every(({ session }) => session.own.place.embedding)) {
      throw refused("wrong-format", "tokens as the embedding is elsewhere");
    }
    const bad = frame.data.find((token) => token >= vocabularySize);
    if (bad !== undefined) {
      throw refused("wrong-format", `token ${bad} as ids are below ${vocabularySize}`);
    }
    return;
  }
  if (frame.width !== width) {
    throw refused("wrong-format", `rows of ${frame.width} values as the model has ${width}`);
  }
  checkFinite(frame, width);
}

/** @throws {StageError} "not-a-number", naming session, position and value */
function checkFinite({ data, entries }: ForwardFrame, width: number): void {
  // The difference of a value and itself is 0, or NaN for NaN and infinity.
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += (data[i] as number) - (data[i] as number);
  if (sum === 0) return;
  const at = data.findIndex((value) => !Number.isFinite(value));
  let row = Math.floor(at / width);
  for (const { session, firstPosition, positionCount } of entries) {
    if (row < positionCount) {
      throw refused(
        "not-a-number",
        `value ${at % width} of position ${firstPosition + row} of session ${
          session.slice(0, 8)
        } as activations are finite: it is ${data[at]}`,
      );
    }
    row -= positionCount;
  }
}

function refused(code: StageError["code"], what: string): StageError {
  return new StageError({ code, message: `Cannot take ${what}` });
}
