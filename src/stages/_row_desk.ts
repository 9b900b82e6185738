/**
 * Rows through a stage: taken from the predecessor, computed, sent on to the successor or answered to
 * the requester, with credit given back when they are on their way.
 */
import type { Clock, MeshNetwork, PeerKey } from "../ports/mod.ts";
import { encodeControl } from "./control_frames.ts";
import { encodeForward } from "./forward_frame.ts";
import type { ForwardFrame } from "./forward_frame.ts";
import { decodeFrame } from "./frames.ts";
import { positionBytes } from "./held_part.ts";
import type { HeldPart } from "./held_part.ts";
import { stageErrorOf } from "./_engine_refusals.ts";
import type { Notices } from "./_notices.ts";
import { encodeResult } from "./result_frame.ts";
import { checkForwardEntry, checkRows } from "./_server_checks.ts";
import type { StageLimits } from "./server_types.ts";
import type { SessionTable } from "./_session_table.ts";
import type { StageConnection } from "./_stage_connection.ts";
import { pickRows, wantedOf } from "./_step_loop.ts";
import type { ComputedFrame, StepLoop } from "./_step_loop.ts";
import { isWanted } from "./_step_queue.ts";
import type { QueuedEntry, QueuedForward } from "./_step_queue.ts";
import { StageError } from "./stage_error.ts";
import type { StageErrorCode } from "./stage_error.ts";
import { SuccessorEdge } from "./_successor_edge.ts";

/** What a desk works with. */
export interface RowDeskOptions {
  readonly mesh: MeshNetwork;
  readonly clock: Clock;
  readonly limits: StageLimits;
  readonly table: SessionTable;
  readonly notices: Notices;
  readonly loopOf: (part: HeldPart) => StepLoop | undefined;
  /** Something waits to be computed. */
  readonly onBusy: () => void;
}

/** A frame whose entries are good. */
type Taken = Pick<QueuedForward, "frame" | "entries" | "rows">;

/** The desk of one server. */
export class RowDesk {
  readonly #options: RowDeskOptions;
  readonly #edges = new Map<PeerKey, SuccessorEdge>();
  #staleFrames = 0;

  constructor(options: RowDeskOptions) {
    this.#options = options;
  }

  /** Frames of a session's past, which were dropped. */
  get staleFrames(): number {
    return this.#staleFrames;
  }

  /** Takes rows from a predecessor. A frame is taken as a whole, or refused. */
  receive(connection: StageConnection, frame: ForwardFrame): void {
    const { table, notices } = this.#options;
    const entries: QueuedEntry[] = [];
    let isGood = true;
    let rows = 0;
    for (const entry of frame.entries) {
      rows += entry.positionCount;
      const session = table.find(entry.session);
      try {
        const known = session ?? table.get(entry.session);
        const isStale = known.own.predecessor === connection.peer &&
          entry.sequence < known.nextSequence;
        // Its requester has made a new beginning with all sessions of the frame.
        if (isStale) return void this.#staleFrames++;
        checkForwardEntry(known, { connection, frame, entry });
        entries.push({ session: known, entry, generation: known.generation });
      } catch (thrown) {
        const error = stageErrorOf(thrown);
        notices.refuse(connection, { error, id: entry.session, session, request: frame.request });
        isGood = false;
      }
    }
    if (isGood) this.#enqueue(connection, { frame, entries, rows });
  }

  /** Rows of a frame are computed. */
  onComputed(computed: ComputedFrame): void {
    const { item: { frame }, entries } = computed;
    const wanted = entries.filter(isWanted);
    for (const { session } of wanted) session.settle();
    if (wanted.length === 0) return;
    if (frame.untilLayer > frame.endLayer) this.#sendOn(computed);
    else this.#answer(computed);
  }

  /** A frame can't be computed. */
  onFailed({ frame, entries, owner: peer }: QueuedForward, error: StageError): void {
    const { notices } = this.#options;
    const { code, message: sentence } = error;
    notices.note({ peer, code, sentence });
    for (const { session } of entries.filter(isWanted)) {
      session.settle();
      session.planned = session.held;
      notices.tell(session, { code, sentence, request: frame.request });
    }
  }

  /** Sends what waits and may now be sent, or is wanted no more. */
  flush(): void {
    for (const edge of this.#edges.values()) edge.flush();
  }

  close(): void {
    for (const edge of this.#edges.values()) edge.close();
    this.#edges.clear();
  }

  #enqueue(connection: StageConnection, taken: Taken): void {
    const { clock, loopOf, notices, onBusy } = this.#options;
    const { frame, entries, rows } = taken;
    const [first] = entries;
    if (first === undefined) return;
    const { session: { part, owner } } = first;
    const loop = loopOf(part);
    if (loop === undefined) return;
    try {
      checkRows(frame, { entries, part });
      this.#checkWork(taken, loop);
    } catch (thrown) {
      const { session } = first;
      const error = stageErrorOf(thrown);
      return notices.refuse(connection, { error, session, request: frame.request });
    }
    const rowBytes = frame.width * 4;
    for (const { session, entry } of entries) {
      session.nextSequence = entry.sequence + 1;
      session.planned = entry.firstPosition + entry.positionCount;
      session.pendingFrames++;
      session.takenBytes += entry.positionCount * rowBytes;
      if (session.state === "idle") session.state = "queued";
    }
    const dueMs = frame.deadlineMs === 0 ? Infinity : clock.monotonicMs() + frame.deadlineMs;
    loop.push({ frame, entries, rows, owner, from: connection, dueMs });
    onBusy();
  }

  /** @throws {StageError} "over-credit", "too-many", "no-memory" */
  #checkWork({ frame, entries }: Taken, loop: StepLoop): void {
    const { limits: { windowBytes, queuedBytesPerPeer, kvBytesPerPeer }, table } = this.#options;
    const [first] = entries;
    if (first === undefined) return;
    const { session: { owner, part, layers } } = first;
    const rowBytes = frame.width * 4;
    if (
      entries.some(({ session, entry }) =>
        session.takenBytes + entry.positionCount * rowBytes > windowBytes
      )
    ) {
      throw refused("over-credit", `${windowBytes} bytes of the session are under way`);
    }
    if (loop.queue.bytesOf(owner) + frame.data.byteLength > queuedBytesPerPeer) {
      throw refused("too-many", `${queuedBytesPerPeer} bytes of the peer wait`);
    }
    if (kvBytesPerPeer === Infinity) return;
    let positions = table.positionsOf(owner);
    for (const { session, entry: { firstPosition, positionCount } } of entries) {
      positions += Math.max(0, firstPosition + positionCount - session.planned);
    }
    if (positions * positionBytes(part, layers) <= kvBytesPerPeer) return;
    throw refused("no-memory", `a peer may have ${kvBytesPerPeer} bytes of keys and values`);
  }

  /** Rows go on to the successor, as far as it takes them. */
  #sendOn({ item, entries, rows }: ComputedFrame): void {
    const { frame, dueMs } = item;
    const [first] = entries;
    const next = first?.session.own.next;
    if (first === undefined || next === undefined) return;
    const leftMs = Math.max(1, Math.floor(dueMs - this.#options.clock.monotonicMs()));
    const bytes = encodeForward({
      ...frame,
      entries: entries.map(({ entry }) => entry),
      firstLayer: next.from,
      endLayer: next.to,
      deadlineMs: dueMs === Infinity ? 0 : leftMs,
    }, rows);
    this.#edgeTo(next.peer).send({
      frame: bytes,
      entries,
      rowBytes: first.session.part.executor.shape.width * 4,
      onSent: () => this.#giveCredit(item),
    });
  }

  #answer({ item, entries, rows, logits, ms }: ComputedFrame): void {
    const { frame } = item;
    const [first] = entries;
    if (first === undefined) return;
    const { home, part: { executor: { shape } } } = first.session;
    const values = logits ?? pickRows(rows, { rows: wantedOf(entries), width: shape.width });
    if (values.byteLength > frame.creditBytes) {
      const what = `${values.byteLength} bytes of result as ${frame.creditBytes} were granted`;
      const error = new StageError({ code: "over-credit", message: `Cannot send ${what}` });
      return this.onFailed(item, error);
    }
    const width = logits === undefined ? shape.width : shape.vocabularySize;
    const { request, root, numericClass, firstLayer, endLayer } = frame;
    const frames = encodeResult({
      request,
      root,
      numericClass,
      firstLayer,
      endLayer,
      content: logits === undefined ? "activations" : "logits",
      width,
      rows: values.length / width,
      computeMs: ms,
    }, values);
    frames.forEach((bytes, i) =>
      home.send(bytes, i === frames.length - 1 ? (): void => this.#giveCredit(item) : undefined)
    );
  }

  /** Grants the predecessor what its rows took, in large pieces. */
  #giveCredit({ frame, entries, from }: QueuedForward): void {
    const rowBytes = frame.width * 4;
    for (const { session, entry } of entries.filter(isWanted)) {
      session.owedBytes += entry.positionCount * rowBytes;
      if (session.owedBytes < this.#options.limits.windowBytes / 4) continue;
      const bytes = session.owedBytes;
      session.owedBytes = 0;
      session.takenBytes -= bytes;
      from.send(encodeControl({ kind: "credit", session: session.id, bytes }));
    }
  }

  #edgeTo(peer: PeerKey): SuccessorEdge {
    const known = this.#edges.get(peer);
    if (known !== undefined) return known;
    this.#endIdle();
    const edge: SuccessorEdge = new SuccessorEdge({
      mesh: this.#options.mesh,
      peer,
      onFrame: (bytes) => this.#fromSuccessor(edge, bytes),
      onLost: (why) => this.#onLost(edge, why),
    });
    this.#edges.set(peer, edge);
    return edge;
  }

  /**
   * Ends edges to which no open session leads any more when there are as many as sessions may be
   * open: requesters name the successors, so there would be more and more.
   */
  #endIdle(): void {
    const { limits: { sessions }, table } = this.#options;
    if (this.#edges.size < sessions) return;
    const used = new Set(table.all().map(({ own }) => own.next?.peer));
    for (const [peer, edge] of this.#edges) {
      if (used.has(peer)) continue;
      this.#edges.delete(peer);
      edge.close();
    }
  }

  /** Credit; refusals are told to the requester by the successor itself. */
  #fromSuccessor(edge: SuccessorEdge, bytes: Uint8Array): void {
    const { table, notices, limits: { windowBytes } } = this.#options;
    try {
      const frame = decodeFrame(bytes);
      if (frame.kind !== "credit") return;
      const session = table.find(frame.session);
      if (session?.own.next?.peer !== edge.peer) return;
      session.sendCreditBytes = Math.min(windowBytes, session.sendCreditBytes + frame.bytes);
      edge.flush();
    } catch (thrown) {
      notices.count(stageErrorOf(thrown).code);
    }
  }

  #onLost(edge: SuccessorEdge, why: string): void {
    const { table, notices } = this.#options;
    if (this.#edges.get(edge.peer) === edge) this.#edges.delete(edge.peer);
    const sentence = `Cannot send rows on as the next stage is lost: ${why}`;
    for (const session of table.all()) {
      if (session.own.next?.peer !== edge.peer) continue;
      notices.tell(session, { code: "successor-lost", sentence, peer: edge.peer });
    }
  }
}

function refused(code: StageErrorCode, why: string): StageError {
  return new StageError({ code, message: `Cannot take more rows as ${why}` });
}
