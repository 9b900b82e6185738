/**
 * Receipts of this node: its stages sign for what they computed for others, and the answers that it
 * has asked for get a receipt, which is journalled and kept with its transcript.
 *
 * A receipt is no part of an answer: where one can't be had (a stage died between its last step and
 * its signature) the answer stands, and that is counted and logged.
 */
import { encodeHex } from "../../hot/mod.ts";
import type { Host } from "../../kernel/mod.ts";
import { MeshError } from "../../ports/mod.ts";
import {
  collectReceipt,
  type Receipt,
  receiptDirectory,
  ReceiptStore,
  ReceiptWitness,
  serveReceipts,
  type Transcript,
} from "../../receipts/mod.ts";
import { PipelineSession } from "../../stages/mod.ts";
import type { InferenceConfig } from "./config.ts";
import type { LoadedModel } from "./loaded_model.ts";
import type { PreparedRequest } from "./prompt.ts";

/** How long stages have to sign; a node that stops waits for them too. */
const signMsMax = 5000;

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
}

/** The desk of one node. */
export class ReceiptDesk {
  readonly #host: Host;
  readonly #keep: InferenceConfig["receipts"];
  readonly #store: ReceiptStore;
  readonly #count: ReturnType<Host["metrics"]["counter"]>;
  /** None in a worker thread, which has no mesh. */
  readonly witness: ReceiptWitness | undefined;
  #unserve: (() => void) | undefined;

  constructor(host: Host, keep: InferenceConfig["receipts"]) {
    this.#host = host;
    this.#keep = keep;
    const { disk, directories, metrics } = host;
    this.#store = new ReceiptStore({ disk, directory: receiptDirectory(directories.state) });
    this.#count = metrics.counter({
      name: "inference_receipts_total",
      help: "Receipts: made for answers, missed, and signatures refused to others",
      labels: ["event"],
    });
    this.witness = this.#witnessOf(host);
  }

  /** The id of a new request, where its answer gets a receipt. */
  newId({ spread, root }: Pick<LoadedModel, "spread" | "root">): string | undefined {
    const { random } = this.#host;
    const isWanted = this.#keep === "all" || (this.#keep === "pipelined" && spread !== undefined);
    if (!isWanted || root === undefined || this.witness === undefined) return undefined;
    return encodeHex(random.fill(new Uint8Array(32)));
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
      this.#count.add(1, { event: "made" });
    } catch (thrown) {
      this.#count.add(1, { event: "missed" });
      log.warn("An answer has no receipt", { rid: answer.request.id, receipt: id, thrown });
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
    const { id, request, model: { executor, root, spread, contextMax }, session } = answer;
    const { witness } = this;
    if (witness === undefined || root === undefined) throw new TypeError("Cannot sign receipts");
    const isSpread = session instanceof PipelineSession && spread !== undefined;
    if (spread !== undefined && !isSpread) {
      throw new RangeError("Cannot make a receipt as the session was given up for others");
    }
    const stages = isSpread
      ? { session: session.id, peers: session.places.map(({ peer }) => peer) }
      : undefined;
    return await collectReceipt({
      ...{ request: id, payer: mesh.self, root, transcript, contextMax, stages },
      numericClass: executor.numericClass,
      layerCount: executor.shape.layerCount,
      seed: request.seed,
      sampling: { ...request.sampling },
      maxTokens: request.maxTokens,
    }, { signer: identity, clock, mesh, witness, timeoutMs: signMsMax });
  }

  #witnessOf({ mesh, identity, clock, log }: Host): ReceiptWitness | undefined {
    try {
      const witness = new ReceiptWitness({ self: mesh.self, signer: identity, clock });
      this.#unserve = serveReceipts({
        mesh,
        witness,
        onRefused: ({ peer, why }) => {
          this.#count.add(1, { event: "refused" });
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
