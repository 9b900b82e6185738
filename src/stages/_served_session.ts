/**
 * A session of a stage: whose it is, who its neighbours are, and what it has under way.
 */
import type { LayerRange } from "../engine/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import type { StageState } from "./control_frames.ts";
import type { HeldPart, PartSession } from "./held_part.ts";
import type { StageConnection } from "./_stage_connection.ts";
import type { OpenPlace, StageOpen } from "./stage_open.ts";

/** Where a statement has this node. */
export interface OwnPlace {
  readonly place: OpenPlace;
  readonly predecessor: PeerKey;
  /** The place behind it; undefined for the last. */
  readonly next: OpenPlace | undefined;
}

/** A session. */
export class ServedSession {
  readonly id: string;
  readonly owner: PeerKey;
  readonly part: HeldPart;
  readonly layers: LayerRange;
  readonly #session: PartSession;
  open: StageOpen;
  own: OwnPlace;
  /** The connection that it was opened on: answers go there. */
  home: StageConnection;
  /** The least sequence number that is not stale. */
  nextSequence: number;
  /** Positions once everything that waits has been computed. */
  planned: number;
  /** Counts up when what is under way comes to nothing. */
  generation = 0;
  state: StageState = "idle";
  /** Frames that wait or are computed. */
  pendingFrames = 0;
  /** Bytes of rows that came and for which no credit was returned. */
  takenBytes = 0;
  /** Bytes of rows for which credit is owed. */
  owedBytes = 0;
  /** Bytes of rows that the successor still takes. */
  sendCreditBytes: number;
  #isComputing = false;
  readonly #whenIdle: (() => void)[] = [];

  constructor(
    options: {
      readonly open: StageOpen;
      readonly own: OwnPlace;
      readonly part: HeldPart;
      readonly session: PartSession;
      readonly home: StageConnection;
      readonly windowBytes: number;
    },
  ) {
    const { open, own } = options;
    this.id = open.session;
    this.owner = open.requester;
    this.part = options.part;
    this.layers = { from: own.place.from, to: own.place.to };
    this.#session = options.session;
    this.open = open;
    this.own = own;
    this.home = options.home;
    this.nextSequence = open.nextSequence;
    this.planned = options.session.session.positionCount;
    this.sendCreditBytes = options.windowBytes;
  }

  /** The executor's session. */
  get session(): PartSession["session"] {
    return this.#session.session;
  }

  /** Positions that it holds. */
  get held(): number {
    return this.#session.session.positionCount;
  }

  /** Links of what it is going to compute. */
  get links(): PartSession["links"] {
    return this.#session.links;
  }

  get isComputing(): boolean {
    return this.#isComputing;
  }

  /** A frame of it has come to its end. */
  settle(): void {
    this.pendingFrames--;
    this.state = this.pendingFrames > 0 ? "queued" : "idle";
  }

  /** Keeps the executor's session to a pass. */
  enter(): void {
    this.#isComputing = true;
    this.state = "computing";
  }

  /** Ends what `enter` began. */
  leave(): void {
    this.#isComputing = false;
    for (const action of this.#whenIdle.splice(0)) action();
  }

  /** Runs an action now, or once the pass that computes the session has ended. */
  whenIdle(action: () => void): void {
    if (this.#isComputing) this.#whenIdle.push(action);
    else action();
  }

  /** Makes nothing of what is under way. */
  forget(windowBytes: number): void {
    this.generation++;
    this.pendingFrames = 0;
    this.takenBytes = 0;
    this.owedBytes = 0;
    this.sendCreditBytes = windowBytes;
    if (!this.#isComputing) this.state = "idle";
  }

  /** Forgets positions from `count` on. */
  truncate(count: number): void {
    this.session.truncate(count);
    this.links.truncate(count);
  }

  /** Gives the pages back, at the latest after the running pass. */
  drop(): void {
    this.generation++;
    this.whenIdle(() => this.session.drop());
  }
}
