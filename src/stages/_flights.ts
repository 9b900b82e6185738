/**
 * Rows through a route: cut into flights, each of which passes the stages one after the other while
 * the next ones follow it. A run of remote stages is one request; the last of them answers.
 */
import type { Random } from "../ports/mod.ts";
import { encodeControl } from "./control_frames.ts";
import { encodeForward } from "./forward_frame.ts";
import { joined, ownEntry, pieceOf, rowsOf, tokensOf, wantedRows } from "./_flight_rows.ts";
import type { FlightEntry } from "./_flight_rows.ts";
import { forwardRows } from "./held_part.ts";
import type { HeldPart } from "./held_part.ts";
import { frameEntriesMax, linkPositions } from "./limits.ts";
import type { PipelineSession, StageShare } from "./_pipeline_session.ts";
import type { LocalStage, PipelineStage, RemoteStage } from "./_pipeline_stage.ts";
import type { StageWitness } from "./server_types.ts";
import { RequestIds } from "./_request_ids.ts";
import { enterGate } from "./_gates.ts";
import { tellLogits, tellRows } from "./_own_rows.ts";
import { pickRows } from "./_step_loop.ts";
import { lostFailure } from "./_switchboard.ts";
import type { Switchboard } from "./_switchboard.ts";

/** What the flights of a step have in common. */
export interface FlightPlan {
  /** The stages that they pass, from the first on. */
  readonly stages: readonly PipelineStage[];
  /** Hidden rows to begin with instead of the tokens' embedding. */
  readonly hidden?: Float32Array;
  /** What is wanted of the wanted rows; "logits" only where the stages are all of the route. */
  readonly content: "activations" | "logits";
  /** Monotonic time left, or 0. */
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Ends the whole step, which aborts `signal`. */
  readonly onFailed: (reason: unknown) => void;
}

/** What flights need. */
export interface FlightDeckOptions {
  readonly board: Switchboard;
  readonly random: Random;
  readonly root: string;
  readonly numericClass: string;
  readonly width: number;
  readonly vocabularySize: number;
  readonly local: HeldPart | undefined;
  /** Rows of a flight at most. */
  readonly rowsMax: number;
  /** Is told what the own part computes. */
  readonly witness: StageWitness | undefined;
}

/** Rows on their way: tokens until somebody embeds them. */
type Rows = Float32Array | Uint32Array;

/** Flies the rows of one pipeline. */
export class FlightDeck {
  readonly #options: FlightDeckOptions;

  readonly #requests: RequestIds;

  constructor(options: FlightDeckOptions) {
    this.#options = options;
    this.#requests = new RequestIds(options.random);
  }

  /**
   * Computes entries; at most one of each session, beginning where its stages end, or before.
   *
   * @returns the wanted rows, entry after entry: activations, or logits
   * @throws {StageFailure} or {EngineError}; the signal's reason
   */
  async fly(entries: readonly FlightEntry[], plan: FlightPlan): Promise<Float32Array> {
    const { width } = this.#options;
    for (const entry of entries) this.#prepare(entry, plan.stages);
    // Each stage is entered in the order of the flights, as positions follow each other.
    const gates = plan.stages.map(() => Promise.resolve());
    const flights = this.#cut(entries);
    const only = flights.length === 1 ? flights[0] : undefined;
    if (only !== undefined) return await this.#flight(only, { ...plan, gates });
    let row = 0;
    const results = flights.map((flight) => {
      const rows = rowsOf(flight);
      const hidden = plan.hidden?.subarray(row * width, (row + rows) * width);
      row += rows;
      return this.#flight(flight, {
        ...plan,
        gates,
        ...(hidden === undefined ? {} : { hidden }),
      }).catch((thrown: unknown) => {
        plan.onFailed(thrown);
        throw thrown;
      });
    });
    const settled = await Promise.allSettled(results);
    const failed = settled.find((one) => one.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return joined(settled.flatMap((one) => one.status === "fulfilled" ? [one.value] : []));
  }

  /** Tells stages the links that they do not know, and notes what they are about to forget. */
  #prepare({ session, firstPosition }: FlightEntry, stages: readonly PipelineStage[]): void {
    const known = session.chain.linkCount;
    for (const stage of stages) {
      const share = session.shares.get(stage);
      if (share === undefined) continue;
      if (share.held > firstPosition) {
        // Links are forgotten with the positions, when it is the rows' turn: they are told after that.
        share.links = Math.min(share.links, Math.floor(firstPosition / linkPositions));
      } else if (known > share.links) this.#tellLinks(session, { stage, share, known });
      // What the stages hold is known again when all has gone well.
      share.valid = Math.min(share.valid, firstPosition);
    }
  }

  #tellLinks(
    session: PipelineSession,
    { stage, share, known }: {
      readonly stage: PipelineStage;
      readonly share: StageShare;
      readonly known: number;
    },
  ): void {
    const firstLink = share.links;
    const links = session.chain.links(firstLink, known);
    if (stage.isLocal) share.own?.links.put(firstLink, links);
    else stage.send(encodeControl({ kind: "links", session: session.id, firstLink, links }));
    share.links = known;
  }

  /** Packs entries into flights, in order; a long one is cut into several. */
  #cut(entries: readonly FlightEntry[]): FlightEntry[][] {
    const { rowsMax } = this.#options;
    const flights: FlightEntry[][] = [];
    let flight: FlightEntry[] = [];
    let rows = 0;
    for (const entry of entries) {
      for (let at = 0; at < entry.tokens.length;) {
        if (rows >= rowsMax || flight.length >= frameEntriesMax) {
          flights.push(flight);
          flight = [];
          rows = 0;
        }
        const count = Math.min(rowsMax - rows, entry.tokens.length - at);
        flight.push(pieceOf(entry, at, count));
        rows += count;
        at += count;
      }
    }
    if (flight.length > 0) flights.push(flight);
    return flights;
  }

  async #flight(
    flight: readonly FlightEntry[],
    plan: FlightPlan & { readonly gates: Promise<void>[] },
  ): Promise<Float32Array> {
    const { stages, content } = plan;
    let rows: Rows = plan.hidden ?? tokensOf(flight);
    for (let i = 0; i < stages.length;) {
      const stage = stages[i];
      if (stage === undefined) break;
      if (stage.isLocal) {
        rows = await this.#compute(stage, flight, { rows, plan, index: i });
        i++;
        continue;
      }
      let end = i + 1;
      while (end < stages.length && stages[end]?.isLocal === false) end++;
      const run = stages.slice(i, end).filter((one) => !one.isLocal);
      const isLast = end === stages.length;
      rows = await this.#request(run, flight, { rows, plan, index: i, isLast });
      // The last of all has picked the wanted rows, and perhaps computed their logits.
      if (isLast && run.at(-1)?.place.head === true && content === "logits") {
        return rows as Float32Array;
      }
      if (isLast) return await this.#end(rows as Float32Array, plan);
      i = end;
    }
    const { width } = this.#options;
    const wanted = pickRows(rows as Float32Array, { rows: wantedRows(flight), width });
    const values = await this.#end(wanted, plan);
    const last = stages.at(-1);
    if (content === "logits" && last?.isLocal === true && last.place.head) {
      const { witness, vocabularySize } = this.#options;
      tellLogits(witness, { flight, values, vocabularySize });
    }
    return values;
  }

  /** Logits of the wanted rows, by the own head; or the rows. */
  async #end(wanted: Float32Array, { content, signal }: FlightPlan): Promise<Float32Array> {
    const { local } = this.#options;
    if (content === "activations" || wanted.length === 0) return wanted;
    if (local === undefined) throw new TypeError("Cannot compute logits as nobody holds the head");
    return await local.executor.head(wanted, signal);
  }

  /** The own executor's layers. */
  async #compute(
    stage: LocalStage,
    flight: readonly FlightEntry[],
    { rows, plan, index }: {
      readonly rows: Rows;
      readonly plan: FlightPlan & { readonly gates: Promise<void>[] };
      readonly index: number;
    },
  ): Promise<Float32Array> {
    const { executor } = stage.part;
    const { from, to } = stage.place;
    const open = enterGate(plan.gates, index);
    try {
      const { witness, width } = this.#options;
      // Who vouches for layers alone needs the rows that went into them.
      const needsRows = witness !== undefined && !stage.place.embedding;
      const input = rows instanceof Uint32Array && needsRows ? await executor.embed(rows) : rows;
      await open.before;
      plan.signal.throwIfAborted();
      const batch = flight.map((entry) => ownEntry(entry, stage));
      const { signal } = plan;
      const computing = forwardRows(stage.part, { layers: { from, to }, batch, input, signal });
      open.done();
      const output = await computing;
      tellRows(witness, { stage, flight, input, output, width });
      return output;
    } finally {
      open.done();
    }
  }

  /** A run of remote stages: sends to the first, and waits for what the last answers. */
  async #request(
    run: readonly RemoteStage[],
    flight: readonly FlightEntry[],
    { rows: given, plan, index, isLast }: {
      readonly rows: Rows;
      readonly plan: FlightPlan & { readonly gates: Promise<void>[] };
      readonly index: number;
      readonly isLast: boolean;
    },
  ): Promise<Float32Array> {
    const { board, root, numericClass, width, vocabularySize, local } = this.#options;
    const [first] = run;
    const last = run.at(-1);
    if (first === undefined || last === undefined) throw new TypeError("Cannot fly without stages");
    const open = enterGate(plan.gates, index);
    try {
      let rows = given;
      if (rows instanceof Uint32Array && !first.place.embedding) {
        if (local === undefined) throw new TypeError("Cannot embed as nobody holds the embedding");
        rows = await local.executor.embed(rows);
      }
      await open.before;
      const rowBytes = rows instanceof Uint32Array ? 4 : width * 4;
      await this.#reserve(first, flight, { rowBytes, signal: plan.signal });
      plan.signal.throwIfAborted();
      const lostStage = run.find((stage) => stage.lostWhy !== undefined);
      if (lostStage !== undefined) throw lostFailure(lostStage);
      const isLogits = isLast && last.place.head && plan.content === "logits";
      const wanted = isLast ? wantedRows(flight).length : rowsOf(flight);
      const valuesEach = isLogits ? vocabularySize : width;
      const request = this.#requests.next();
      const result = board.result({
        request,
        stage: last,
        sessions: flight.map(({ session }) => session.id),
        content: isLogits ? "logits" : "activations",
        rows: wanted,
        width: valuesEach,
      });
      const isRollback = flight.some(({ session, firstPosition }) =>
        run.some((stage) => (session.shares.get(stage)?.held ?? 0) > firstPosition)
      );
      first.send(encodeForward({
        request,
        root,
        numericClass,
        firstLayer: first.place.from,
        endLayer: first.place.to,
        untilLayer: last.place.to,
        deadlineMs: plan.deadlineMs,
        creditBytes: Math.min(0xffffffff, wanted * valuesEach * 4),
        content: isLogits ? "logits" : "activations",
        entries: flight.map(({ session, firstPosition, tokens, wanted }) => ({
          session: session.id,
          sequence: ++session.sequence,
          firstPosition,
          positionCount: tokens.length,
          wanted: isLast ? wanted : "all",
          rollback: isRollback,
        })),
      }, rows));
      open.done();
      return await result;
    } finally {
      open.done();
    }
  }

  /** Waits for credit, and takes it. */
  async #reserve(
    stage: RemoteStage,
    flight: readonly FlightEntry[],
    { rowBytes, signal }: { readonly rowBytes: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const needs = flight.map(({ session, tokens }) => {
      return { share: session.shares.get(stage), bytes: tokens.length * rowBytes };
    });
    while (needs.some(({ share, bytes }) => bytes > (share?.creditBytes ?? 0))) {
      await this.#options.board.credit();
      signal.throwIfAborted();
    }
    for (const { share, bytes } of needs) if (share !== undefined) share.creditBytes -= bytes;
  }
}
