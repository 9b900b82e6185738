/**
 * A receipt: the requester's statement and those of the stages that computed its answer. It shows
 * neither prompt nor answer; who has the transcript, which holds the salt, can check it.
 */
import * as v from "valibot";
import { checkedJson } from "./_checked_json.ts";
import { ReceiptError } from "./errors.ts";
import { openingDigest } from "./opening.ts";
import {
  openStageStatement,
  stagesDigest,
  stageStatementCharactersMax,
} from "./stage_statement.ts";
import type { StageStatement } from "./stage_statement.ts";
import { openRequestStatement, signedStatement } from "./statement.ts";
import type { RequestStatement } from "./statement.ts";

/** Longest receipt, in bytes. */
export const receiptBytesMax = 8 * 1024 * 1024;

/** The schema of a receipt's file. */
export const receiptSchema = v.strictObject({
  kind: v.literal("skep-receipt/2"),
  request: signedStatement,
  /** Statements and signatures of the stages, base64url, in the order of the layers. */
  stages: v.pipe(
    v.array(v.pipe(v.string(), v.maxLength(stageStatementCharactersMax))),
    v.maxLength(1024),
  ),
});

/** A receipt as it is kept and sent. */
export type Receipt = Readonly<v.InferOutput<typeof receiptSchema>>;

/** A receipt whose signatures hold and whose statements are of one request. */
export interface OpenReceipt {
  readonly request: RequestStatement;
  readonly stages: readonly StageStatement[];
}

/** Reads a receipt's text. @throws {ReceiptError} "malformed" */
export function parseReceipt(text: string): Receipt {
  return checkedJson(receiptSchema, {
    source: text,
    lengthMax: receiptBytesMax,
    what: "the receipt",
  });
}

/**
 * Checks signatures, and that all statements are of one request: its id, its parties, its model and
 * its class; that the requester names these stages and no others; and that they follow each other
 * from the first layer to the last. Where no stage says that it had the embedding, or the head, the
 * requester had it.
 *
 * @param layerCount of the model
 * @throws {ReceiptError} "malformed", "signature" or "mismatch", naming the statement
 */
export function openReceipt(receipt: Receipt, layerCount: number): OpenReceipt {
  const request = openRequestStatement(receipt.request);
  const stages = receipt.stages.map(openStageStatement);
  if (stagesDigest(receipt.stages) !== request.stages) {
    throw mismatch("the requester did not sign for these stages' statements, in this order");
  }
  const opening = openingDigest(request);
  const stranger = stages.findIndex((stage) => stage.opening !== opening);
  if (stranger >= 0) {
    throw mismatch(
      `stage ${stranger + 1} signed for another request, requester, payer, model, class or session`,
    );
  }
  checkCover(stages, { layerCount, request });
  return { request, stages };
}

/** Positions whose keys and values an answer needs: all but its last token's. */
export function positionsOf(
  request: Pick<RequestStatement, "promptTokens" | "outputTokens">,
): number {
  return request.promptTokens + Math.max(0, request.outputTokens - 1);
}

function checkCover(
  stages: readonly StageStatement[],
  about: { readonly layerCount: number; readonly request: RequestStatement },
): void {
  const { layerCount, request } = about;
  const end = positionsOf(request);
  let layer = 0;
  for (const [i, { embedding, layers, head, positions, logits }] of stages.entries()) {
    const name = `stage ${i + 1}`;
    if (embedding && i > 0) throw mismatch(`${name} is not where the embedding is`);
    if (layers.from !== layer) throw mismatch(`${name} does not begin at layer ${layer}`);
    if (head && i < stages.length - 1) throw mismatch(`${name} is not where the head is`);
    // Who was gone at the end has signed up to its last renewal.
    if (positions.to > end) {
      throw mismatch(`${name} signed up to position ${positions.to} and the answer ends at ${end}`);
    }
    if (head && request.outputTokens > 0 && (logits !== undefined || positions.to === end)) {
      checkLogits(logits, { name, request, end: positions.to });
    }
    layer = layers.to;
  }
  if (stages.length > 0 && layer !== layerCount) {
    throw mismatch(`the stages end at layer ${layer} and the model has ${layerCount}`);
  }
}

/** Logits are signed up to where the activations are; those that were computed by a stage that is gone are not. */
function checkLogits(
  logits: StageStatement["logits"],
  { name, request, end }: {
    readonly name: string;
    readonly request: RequestStatement;
    readonly end: number;
  },
): void {
  const first = request.promptTokens - 1;
  if (logits?.to === end && logits.from >= first && logits.from < end) return;
  throw mismatch(`${name} did not sign the logits of positions from ${first} on to ${end}`);
}

function mismatch(why: string): ReceiptError {
  const message = `Cannot accept the receipt as ${why}`;
  return new ReceiptError({ code: "mismatch", message });
}
