/**
 * The sessions of a stage server: opened by signed statements, moved, truncated, given back.
 */
import { Blake3 } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { encodeControl } from "./control_frames.ts";
import type { LinksFrame, TruncateFrame } from "./control_frames.ts";
import { openPartSession } from "./held_part.ts";
import type { HeldPart } from "./held_part.ts";
import { linkBytes, linkPositions } from "./limits.ts";
import { ownPlace } from "./_server_checks.ts";
import { ServedSession } from "./_served_session.ts";
import type { OwnPlace } from "./_served_session.ts";
import type { StageLimits, StageWitness } from "./server_types.ts";
import type { StageConnection } from "./_stage_connection.ts";
import { StageError } from "./stage_error.ts";
import type { StageErrorCode } from "./stage_error.ts";
import { isSigned } from "./stage_open.ts";
import type { OpenFrame, StageOpen } from "./stage_open.ts";

/** What a table works with. */
export interface SessionTableOptions {
  readonly self: PeerKey;
  readonly limits: StageLimits;
  readonly witness: StageWitness | undefined;
  /** The parts that are held now. */
  readonly parts: () => Iterable<HeldPart>;
  /** A session's rows under way have come to nothing. */
  readonly onForgotten: (session: ServedSession) => void;
}

/** Sessions by their id. */
export class SessionTable {
  readonly #options: SessionTableOptions;
  readonly #sessions = new Map<string, ServedSession>();
  readonly #blake3 = new Blake3();
  #opened = 0;

  constructor(options: SessionTableOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** Since the start. */
  get openedCount(): number {
    return this.#opened;
  }

  /** All, while the table changes. */
  all(): readonly ServedSession[] {
    return [...this.#sessions.values()];
  }

  find(id: string): ServedSession | undefined {
    return this.#sessions.get(id);
  }

  /** @throws {StageError} "unknown-session" */
  get(id: string): ServedSession {
    const session = this.#sessions.get(id);
    if (session !== undefined) return session;
    throw refused(
      "unknown-session",
      `find session ${id.slice(0, 8)} as it was not opened here, or is closed`,
    );
  }

  /** A session for the peer that it belongs to. @throws {StageError} "unknown-session", "not-yours" */
  owned(connection: StageConnection, id: string): ServedSession {
    const session = this.get(id);
    if (session.owner === connection.peer) return session;
    throw refused("not-yours", `change session ${id.slice(0, 8)} as another peer has opened it`);
  }

  /** Opens a session, or moves one. @throws {StageError} or {EngineError} when it does not */
  open(connection: StageConnection, frame: OpenFrame): void {
    const { open } = frame;
    if (open.requester !== connection.peer || !isSigned(frame)) {
      throw refused(
        "bad-signature",
        "open a session as its statement is not signed by the peer that sent it",
      );
    }
    const own = ownPlace(open, this.#options.self);
    const known = this.#sessions.get(open.session);
    if (known !== undefined) checkMove(known, open);
    if (known !== undefined && isSamePart(known, { open, own })) {
      return this.#move(known, { connection, frame, own });
    }
    if (known !== undefined) this.drop(known);
    this.#openNew(connection, { frame, own });
  }

  /** Notes links of blocks that the requester has completed. @throws {StageError} "out-of-order" */
  putLinks(session: ServedSession, { firstLink, links }: LinksFrame): void {
    const end = (firstLink + links.length / linkBytes) * linkPositions;
    if (end <= session.open.positionsMax && session.links.put(firstLink, links)) return;
    throw refused(
      "out-of-order",
      `take links from ${firstLink} on as ${session.links.count} are known`,
    );
  }

  /** Forgets positions, and all that is under way; answers when that is done. */
  truncate(session: ServedSession, frame: TruncateFrame): void {
    this.forget(session);
    session.nextSequence = frame.nextSequence;
    session.whenIdle(() => {
      if (session.held > frame.positionCount) {
        session.truncate(frame.positionCount);
        this.#options.witness?.truncated(session.id, frame.positionCount);
      }
      this.#answer(session, frame.version);
    });
  }

  /** Makes nothing of what is under way. */
  forget(session: ServedSession): void {
    session.forget(this.#options.limits.windowBytes);
    this.#options.onForgotten(session);
  }

  /** Gives a session back. */
  drop(session: ServedSession): void {
    if (this.#sessions.get(session.id) !== session) return;
    this.#sessions.delete(session.id);
    session.drop();
    this.#options.onForgotten(session);
    this.#options.witness?.closed(session.id);
  }

  /** Positions that a peer's sessions have planned. */
  positionsOf(owner: PeerKey): number {
    let positions = 0;
    for (const session of this.#sessions.values()) {
      if (session.owner === owner) positions += session.planned;
    }
    return positions;
  }

  #move(
    session: ServedSession,
    { connection, frame, own }: {
      readonly connection: StageConnection;
      readonly frame: OpenFrame;
      readonly own: OwnPlace;
    },
  ): void {
    this.forget(session);
    session.open = frame.open;
    session.own = own;
    session.home = connection;
    session.nextSequence = frame.open.nextSequence;
    session.whenIdle(() => {
      this.#options.witness?.opened(frame, session.held);
      this.#answer(session, frame.open.version);
    });
  }

  #openNew(
    home: StageConnection,
    { frame, own }: { readonly frame: OpenFrame; readonly own: OwnPlace },
  ): void {
    const { open, links } = frame;
    const { limits: { windowBytes }, witness } = this.#options;
    const part = this.#partFor(open, own);
    this.#checkRoom(open.requester);
    const layers = { from: own.place.from, to: own.place.to };
    const scope = { owner: open.requester, layers, blake3: this.#blake3 };
    const opened = openPartSession(part, { ...scope, links });
    const session = new ServedSession({ open, own, part, session: opened, home, windowBytes });
    this.#sessions.set(open.session, session);
    this.#opened++;
    witness?.opened(frame, session.held);
    this.#answer(session, open.version);
  }

  #partFor({ root, numericClass }: StageOpen, { place }: OwnPlace): HeldPart {
    const ofModel = [...this.#options.parts()].filter((part) => part.root === root);
    if (ofModel.length === 0) {
      throw refused("wrong-model", "open a session as the model is not held here");
    }
    const ofClass = ofModel.filter(({ executor }) => executor.numericClass === numericClass);
    if (ofClass.length === 0) {
      throw refused(
        "wrong-class",
        `open a session of class "${numericClass}" as it is not computed here`,
      );
    }
    const part = ofClass.find(({ executor: { layers }, embedding, head }) =>
      place.from >= layers.from && place.to <= layers.to && (embedding || !place.embedding) &&
      (head || !place.head)
    );
    if (part !== undefined) return part;
    throw refused(
      "wrong-layers",
      `open a session of layers ${place.from} to ${place.to} as they are not all held here`,
    );
  }

  #checkRoom(owner: PeerKey): void {
    const mine = this.all().filter((session) => session.owner === owner).length;
    const { sessions, sessionsPerPeer } = this.#options.limits;
    if (mine < sessionsPerPeer && this.#sessions.size < sessions) return;
    throw refused(
      "too-many",
      `open a session as a peer may have ${sessionsPerPeer}, and all ${sessions}`,
    );
  }

  #answer(session: ServedSession, version: number): void {
    const { held, part } = session;
    session.planned = held;
    const { used, total } = part.executor.pages();
    session.home.send(encodeControl({
      kind: "opened",
      session: session.id,
      version,
      held,
      windowBytes: this.#options.limits.windowBytes,
      freePositions: total === 0 ? 0xffffffff : (total - used) * linkPositions,
    }));
  }
}

/** @throws {StageError} "not-yours", "out-of-order" */
function checkMove({ id, owner, open: { version } }: ServedSession, open: StageOpen): void {
  if (owner !== open.requester) {
    throw refused("not-yours", `open session ${id.slice(0, 8)} as another peer has opened it`);
  }
  if (version >= open.version) {
    throw refused("out-of-order", `open version ${open.version} as version ${version} is open`);
  }
}

function isSamePart(
  { open: { root, numericClass }, layers }: ServedSession,
  { open, own: { place } }: { readonly open: StageOpen; readonly own: OwnPlace },
): boolean {
  return root === open.root && numericClass === open.numericClass &&
    layers.from === place.from && layers.to === place.to;
}

function refused(code: StageErrorCode, what: string): StageError {
  return new StageError({ code, message: `Cannot ${what}` });
}
