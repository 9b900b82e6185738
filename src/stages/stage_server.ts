/**
 * Serves the layers that this node holds to its peers: the protocol `/skep/stage/1` of docs/STAGES.md.
 *
 * A session belongs to the peer that opened it. Rows are taken from the predecessor that its signed
 * open names, computed together with whatever else waits, and go on to the successor, or back to the
 * requester where the request ends. It decides nothing about who computes what.
 */
import type { Clock, MeshNetwork, MeshStream, Timer } from "../ports/mod.ts";
import { encodeControl } from "./control_frames.ts";
import type { BeatFrame } from "./control_frames.ts";
import { decodeFrame } from "./frames.ts";
import type { StageFrame } from "./frames.ts";
import type { HeldPart } from "./held_part.ts";
import { beatMs, frameEntriesMax, malformedFramesMax, stageProtocol } from "./limits.ts";
import { stageErrorOf } from "./_engine_refusals.ts";
import { Notices } from "./_notices.ts";
import { RowDesk } from "./_row_desk.ts";
import { stageLimitsDefault } from "./server_types.ts";
import type { StageCounters, StageLimits, StageRefusal, StageWitness } from "./server_types.ts";
import { SessionTable } from "./_session_table.ts";
import { StageConnection } from "./_stage_connection.ts";
import { StepLoop } from "./_step_loop.ts";
import { StageError } from "./stage_error.ts";
import type { OpenFrame } from "./stage_open.ts";

/** What a server works with. */
export interface StageServerOptions {
  readonly mesh: MeshNetwork;
  readonly clock: Clock;
  readonly limits?: Partial<StageLimits>;
  /** Is told of all rows, to vouch for them. */
  readonly witness?: StageWitness;
  readonly onRefusal?: (refusal: StageRefusal) => void;
}

/** The stages of one node. */
export class StageServer {
  readonly #options: StageServerOptions;
  readonly #notices: Notices;
  readonly #table: SessionTable;
  readonly #desk: RowDesk;
  readonly #loops = new Map<HeldPart, StepLoop>();
  readonly #connections = new Set<StageConnection>();
  readonly #unhandle: () => void;
  readonly #counts = { steps: 0, rows: 0, computeMs: 0, cancelled: 0, beats: 0 };
  #beat: Timer | undefined;
  #isLeaving = false;

  constructor(options: StageServerOptions) {
    const { mesh, clock, witness, onRefusal } = options;
    const limits = { ...stageLimitsDefault, ...options.limits };
    this.#options = options;
    this.#notices = new Notices(onRefusal);
    this.#table = new SessionTable({
      self: mesh.self,
      limits,
      witness,
      parts: () => this.#loops.keys(),
      onForgotten: ({ part }) => {
        this.#loops.get(part)?.review();
        this.#desk.flush();
      },
    });
    this.#desk = new RowDesk({
      mesh,
      clock,
      limits,
      table: this.#table,
      notices: this.#notices,
      loopOf: (part) => this.#loops.get(part),
      onBusy: () => this.#beat ??= clock.after(beatMs, () => this.#onBeat()),
    });
    this.#unhandle = mesh.handle(stageProtocol, (stream) => void this.#serve(stream));
  }

  /** Serves a part from now on; the returned function ends that, and the part's sessions. */
  hold(part: HeldPart): () => void {
    const { clock, witness } = this.#options;
    const loop = new StepLoop({
      part,
      clock,
      witness,
      onComputed: (frame) => this.#desk.onComputed(frame),
      onFailed: (item, error) => this.#desk.onFailed(item, error),
      onStep: ({ rows, ms }) => {
        this.#counts.steps++;
        this.#counts.rows += rows;
        this.#counts.computeMs += ms;
      },
    });
    this.#loops.set(part, loop);
    return () => {
      if (this.#loops.get(part) !== loop) return;
      const sentence = "Cannot go on as the stage lets its layers go";
      for (const session of this.#table.all().filter((one) => one.part === part)) {
        this.#notices.tell(session, { code: "leaving", sentence });
        this.#table.drop(session);
      }
      this.#loops.delete(part);
    };
  }

  /** Counters since the start. */
  counters(): StageCounters {
    return {
      ...this.#counts,
      sessionsOpen: this.#table.size,
      sessionsOpened: this.#table.openedCount,
      staleFrames: this.#desk.staleFrames,
      refusals: this.#notices.counts,
    };
  }

  /** Tells all requesters that this stage goes away; what runs may finish. */
  leave(): void {
    this.#isLeaving = true;
    const sentence = "Cannot take anything new as the node stops";
    for (const session of this.#table.all()) {
      this.#notices.tell(session, { code: "leaving", sentence });
    }
  }

  /** Ends all sessions and streams. */
  close(): void {
    this.#unhandle();
    this.#isLeaving = true;
    for (const session of this.#table.all()) this.#table.drop(session);
    for (const connection of this.#connections) connection.stream.reset();
    this.#desk.close();
    this.#beat?.cancel();
    this.#beat = undefined;
  }

  async #serve(stream: MeshStream): Promise<void> {
    const connection = new StageConnection(stream);
    this.#connections.add(connection);
    try {
      for await (const bytes of stream.frames) this.#receive(connection, bytes);
      await stream.close();
    } catch {
      // A broken link ends the connection as a closed one does.
      stream.reset();
    }
    connection.isOpen = false;
    this.#connections.delete(connection);
    for (const session of this.#table.all()) {
      if (session.home === connection) this.#table.drop(session);
    }
  }

  #receive(connection: StageConnection, bytes: Uint8Array): void {
    try {
      this.#handle(connection, decodeFrame(bytes));
    } catch (thrown) {
      const error = stageErrorOf(thrown);
      this.#notices.refuse(connection, { error });
      if (error.code !== "malformed") return;
      connection.malformedFrames++;
      if (connection.malformedFrames >= malformedFramesMax) connection.stream.reset();
    }
  }

  #handle(connection: StageConnection, frame: StageFrame): void {
    switch (frame.kind) {
      case "forward":
        return this.#desk.receive(connection, frame);
      case "open":
        return this.#onOpen(connection, frame);
      case "links":
        return this.#table.putLinks(this.#table.owned(connection, frame.session), frame);
      case "truncate":
        return this.#table.truncate(this.#table.owned(connection, frame.session), frame);
      case "cancel":
        this.#table.forget(this.#table.owned(connection, frame.session));
        this.#counts.cancelled++;
        return;
      case "close":
        // What is closed already need not be closed.
        if (this.#table.find(frame.session) === undefined) return;
        return this.#table.drop(this.#table.owned(connection, frame.session));
      case "probe":
        return connection.send(encodeControl(this.#beatOf(connection, frame.probe)));
      default:
        throw new StageError({
          code: "malformed",
          message: `Cannot take a frame "${frame.kind}" as nobody sends one to a stage`,
        });
    }
  }

  #onOpen(connection: StageConnection, frame: OpenFrame): void {
    try {
      if (this.#isLeaving) {
        throw new StageError({
          code: "leaving",
          message: "Cannot open a session as the node stops",
        });
      }
      this.#table.open(connection, frame);
    } catch (thrown) {
      this.#notices.refuse(connection, { error: stageErrorOf(thrown), id: frame.open.session });
    }
  }

  #onBeat(): void {
    this.#beat = undefined;
    const busy = new Set(
      this.#table.all().filter(({ state }) => state !== "idle").map(({ home }) => home),
    );
    for (const connection of busy) {
      this.#counts.beats++;
      connection.send(encodeControl(this.#beatOf(connection, 0)));
    }
    if (busy.size > 0) this.#beat = this.#options.clock.after(beatMs, () => this.#onBeat());
  }

  #beatOf(connection: StageConnection, probe: number): BeatFrame {
    const sessions = this.#table.all()
      .filter(({ home, state }) => home === connection && state !== "idle")
      .slice(0, frameEntriesMax)
      .map(({ id, planned, state }) => ({ session: id, positionCount: planned, state }));
    return { kind: "beat", probe, sessions };
  }
}
