/** Tells peers what is not done, and counts it. */
import type { PeerKey } from "../ports/mod.ts";
import { encodeControl, NOBODY } from "./control_frames.ts";
import type { ServedSession } from "./_served_session.ts";
import type { StageRefusal } from "./server_types.ts";
import type { StageConnection } from "./_stage_connection.ts";
import type { StageError, StageErrorCode } from "./stage_error.ts";

/** What a requester is told of its session. */
export interface Notice {
  readonly code: StageErrorCode;
  readonly sentence: string;
  readonly request?: string;
  /** Whom it is about. */
  readonly peer?: PeerKey;
}

/** Refusals of one server. */
export class Notices {
  readonly #onRefusal: ((refusal: StageRefusal) => void) | undefined;
  readonly #counts: Partial<Record<StageErrorCode, number>> = {};

  constructor(onRefusal?: (refusal: StageRefusal) => void) {
    this.#onRefusal = onRefusal;
  }

  /** Refusals by their code. */
  get counts(): Readonly<Partial<Record<StageErrorCode, number>>> {
    return { ...this.#counts };
  }

  count(code: StageErrorCode): void {
    this.#counts[code] = (this.#counts[code] ?? 0) + 1;
  }

  /** Notes what was not done for a peer. */
  note(refusal: StageRefusal): void {
    this.count(refusal.code);
    this.#onRefusal?.(refusal);
  }

  /** Tells a session's requester. */
  tell({ id, home }: ServedSession, notice: Notice): void {
    const { code, sentence, request = NOBODY, peer } = notice;
    home.send(encodeControl({ kind: "refusal", code, request, session: id, peer, sentence }));
  }

  /** Refuses a frame to who sent it, and tells the session's requester when it came by its pipeline. */
  refuse(
    connection: StageConnection,
    refused: {
      readonly error: StageError;
      readonly id?: string;
      readonly session?: ServedSession | undefined;
      readonly request?: string;
    },
  ): void {
    const { error: { code, message: sentence }, session, request = NOBODY } = refused;
    const { id = session?.id ?? NOBODY } = refused;
    this.note({ peer: connection.peer, code, sentence });
    connection.send(
      encodeControl({ kind: "refusal", code, request, session: id, peer: undefined, sentence }),
    );
    if (session === undefined || session.home === connection) return;
    if (session.own.predecessor !== connection.peer) return;
    this.tell(session, { code, sentence, request, peer: connection.peer });
  }
}
