/**
 * Receipts of this node: its stages sign for what they computed for others, and the answers that it
 * has asked for get a receipt, which is journalled and kept with its transcript.
 *
 * A receipt is no part of an answer: where one can't be had (a stage died between its last step and
 * its signature) the answer stands, and that is counted and logged.
 */
import { encodeHex } from "../../hot/mod.ts";
import { RpcError } from "../../kernel/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import {
  AnswerLease,
  askStage,
  collectReceipt,
  leafDirectory,
  LeafStore,
  openingDigest,
  positionsOf,
  receiptDirectory,
  ReceiptError,
  ReceiptStore,
  ReceiptWitness,
  serveReceipts,
} from "../../receipts/mod.ts";
import type { AnswerPlace, Receipt, Transcript } from "../../receipts/mod.ts";
import { PipelineSession } from "../../stages/mod.ts";
import type { InferenceConfig } from "./config.ts";
import { receiptRenewMs, receiptSignMsMax } from "./limits.ts";
import type { LoadedModel } from "./loaded_model.ts";
import type { PreparedRequest } from "./prompt.ts";
import { ReceiptMeters } from "./receipt_meters.ts";
import type { ReceiptLeaves, ReceiptLeavesParams } from "./route_schema.ts";

/** The journal's name of the event; its body is `{ receipt }`. */
export const receiptEvent = "inference.receipt";

/** An answer that is complete. */
export interface AnsweredRequest {
  readonly id: string;
  readonly request: PreparedRequest;
  readonly model: LoadedModel;
  readonly outputTokens: readonly number[];
  /** Its session, if it has one still. */
  readonly session: unknown;
  /** What stages have signed while it was made. */
  readonly lease?: AnswerLease | undefined;
}

/** An answer that is being made. */
export interface RunningAnswer extends Pick<AnsweredRequest, "id" | "model"> {
  readonly promptTokens: number;
  /** Tokens that were chosen so far. */
  readonly outputTokens: () => number;
  /** Its session, while it has one. */
  readonly session: () => unknown;
}

/** The desk of one node. */
export class ReceiptDesk {
  readonly #host: Host;
  readonly #keep: InferenceConfig["receipts"];
  readonly #store: ReceiptStore;
  readonly #leaves: LeafStore;
  readonly #meters: ReceiptMeters;
  /** None in a worker thread, which has no mesh. */
  readonly witness: ReceiptWitness | undefined;
  #unserve: (() => void) | undefined;

  constructor(host: Host, keep: InferenceConfig["receipts"]) {
    this.#host = host;
    this.#keep = keep;
    const { disk, directories, metrics } = host;
    this.#store = new ReceiptStore({ disk, directory: receiptDirectory(directories.state) });
    this.#meters = new ReceiptMeters(metrics);
    const directory = leafDirectory(directories.state);
    this.#leaves = new LeafStore({ disk, clock: host.clock, directory });
    this.witness = this.#witnessOf(host);
  }

  /** The id of a new request, where its answer gets a receipt. */
  newId({ spread, root }: Pick<LoadedModel, "spread" | "root">): string | undefined {
    const { random } = this.#host;
    const isWanted = this.#keep === "all" || (this.#keep === "pipelined" && spread !== undefined);
    if (!isWanted || root === undefined || this.witness === undefined) return undefined;
    return encodeHex(random.fill(new Uint8Array(32)));
  }

  /** Has the stages of an answer sign for it while it is made; undefined where nobody else computes it. */
  lease(answer: RunningAnswer): AnswerLease | undefined {
    const { witness } = this;
    if (witness === undefined || answer.model.spread === undefined) return undefined;
    const { identity: signer, clock, mesh } = this.#host;
    return new AnswerLease({
      ...{ request: answer.id, signer, clock, mesh, witness },
      timeoutMs: receiptSignMsMax,
      renewMs: receiptRenewMs,
      place: () => this.#placeOf(answer),
      onRenewed: ({ signed, missed }) => {
        this.#meters.event("renewed", signed);
        this.#meters.event("unrenewed", missed);
      },
    });
  }

  /**
   * Leaves that a stage keeps of a session of this node.
   *
   * @throws {RpcError} "notFound" when the stage gives none, "unavailable" when it can't be asked
   */
  async leaves(
    { stage, ...asked }: ReceiptLeavesParams,
    signal: AbortSignal,
  ): Promise<ReceiptLeaves> {
    const { clock, mesh } = this.#host;
    try {
      if (stage === this.witness?.self) {
        const { leaves, path, ...rest } = await this.witness.leaves(asked, stage);
        return { ...rest, leaves: encodeHex(leaves), path: encodeHex(path) };
      }
      const about = { mesh, clock, signal, timeoutMs: receiptSignMsMax };
      const answer = await askStage(stage, { kind: "leaves", ...asked }, about);
      if (answer.kind === "leaves") {
        const { from, count, leaves, path } = answer;
        return { from, count, leaves, path };
      }
    } catch (cause) {
      const isKnown = cause instanceof ReceiptError || cause instanceof MeshError;
      if (!isKnown) throw cause;
      const kind = cause instanceof MeshError ? "unavailable" : "notFound";
      throw new RpcError({ kind, message: cause.message, cause });
    }
    const message = `Cannot take what stage ${stage.slice(0, 12)} answered as it is no leaves`;
    throw new RpcError({ kind: "notFound", message });
  }

  /** Makes the receipt of an answer and keeps it. Never rejects. */
  async take(answer: AnsweredRequest): Promise<void> {
    const { journal, log, clock } = this.#host;
    const { id } = answer;
    try {
      const transcript = this.#transcriptOf(answer);
      const receipt = await this.#collect(answer, transcript);
      await this.#store.keep(id, { receipt, transcript }, clock.nowMs());
      await journal.append({ chi: receiptEvent, rid: answer.request.id, body: { receipt } });
      this.#meters.event("made");
    } catch (thrown) {
      this.#meters.event("missed");
      log.warn("An answer has no receipt", { rid: answer.request.id, receipt: id, thrown });
    }
  }

  /** Counts what was kept and dropped since the last time. */
  meter(): void {
    if (this.witness !== undefined) {
      this.#meters.leaves(this.#leaves.counters(), this.witness.counters());
    }
  }

  /** Signs no more. */
  close(): void {
    this.#unserve?.();
  }

  #transcriptOf({ request, outputTokens }: AnsweredRequest): Transcript {
    return {
      kind: "skep-transcript/1",
      salt: encodeHex(this.#host.random.fill(new Uint8Array(32))),
      promptTokens: [...request.promptTokens],
      outputTokens: [...outputTokens],
      // As it will be read again.
      constraint: JSON.parse(JSON.stringify(request.heldTo)),
    };
  }

  async #collect(answer: AnsweredRequest, transcript: Transcript): Promise<Receipt> {
    const { identity, clock, mesh } = this.#host;
    const { id, request, model: { executor, root, spread, contextMax }, session, lease } = answer;
    const { witness } = this;
    if (witness === undefined || root === undefined) throw new TypeError("Cannot sign receipts");
    const isSpread = session instanceof PipelineSession && spread !== undefined;
    if (spread !== undefined && !isSpread) {
      throw new RangeError("Cannot make a receipt as the session was given up for others");
    }
    const stages = isSpread
      ? {
        session: session.id,
        peers: session.places.map(({ peer }) => peer),
        renewed: lease?.statements(session.id) ?? new Map(),
      }
      : undefined;
    return await collectReceipt({
      ...{ request: id, payer: mesh.self, root, transcript, contextMax, stages },
      numericClass: executor.numericClass,
      layerCount: executor.shape.layerCount,
      seed: request.seed,
      sampling: { ...request.sampling },
      maxTokens: request.maxTokens,
    }, { signer: identity, clock, mesh, witness, timeoutMs: receiptSignMsMax });
  }

  /** Guesses that are computed ahead of the answer may come to nothing: they are not signed for. */
  #placeOf(answer: RunningAnswer): AnswerPlace | undefined {
    const { id: request, model: { root, executor }, promptTokens } = answer;
    const session = answer.session();
    if (!(session instanceof PipelineSession) || session.isDropped || root === undefined) {
      return undefined;
    }
    const known = positionsOf({ promptTokens, outputTokens: answer.outputTokens() });
    const to = Math.min(session.positionCount, known);
    const { mesh: { self } } = this.#host;
    const parties = { requester: self, payer: self, root, class: executor.numericClass };
    return to === 0 ? undefined : {
      session: session.id,
      peers: session.places.map(({ peer }) => peer),
      to,
      opening: openingDigest({ request, ...parties, session: session.id }),
    };
  }

  #witnessOf({ mesh, identity, clock, log }: Host): ReceiptWitness | undefined {
    try {
      const store = this.#leaves;
      const witness = new ReceiptWitness({ self: mesh.self, signer: identity, clock, store });
      this.#unserve = serveReceipts({
        mesh,
        witness,
        onRefused: ({ peer, why }) => {
          this.#meters.event("refused");
          log.warn("A peer's question about a receipt was refused", {
            peer: peer.slice(0, 12),
            why,
          });
        },
      });
      return witness;
    } catch (thrown) {
      if (!(thrown instanceof MeshError)) throw thrown;
      log.debug("No receipts are signed here", { why: thrown.message });
      return undefined;
    }
  }
}
