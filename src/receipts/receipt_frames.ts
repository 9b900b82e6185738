/**
 * The protocol `/skep/receipt/2`: a requester asks a stage to sign for a session that it opened
 * there, or for leaves that the stage keeps. A frame each way, JSON; docs/RECEIPTS.md.
 */
import * as v from "valibot";
import { meshFrameBytesMax } from "../ports/mod.ts";
import { checkedJson } from "./_checked_json.ts";
import { count, hex16, hex32 } from "./_forms.ts";
import { stageStatementCharactersMax } from "./stage_statement.ts";
import { leavesPerAnswerMax } from "./witness.ts";

/** The protocol's name. */
export const receiptProtocol = "/skep/receipt/2";

/** Longest question, in bytes. */
export const askBytesMax = 1024;

/** Characters of a refusal's sentence, at most. */
export const whyCharactersMax = 512;

const hexLeaves = v.pipe(
  v.string(),
  v.regex(/^(?:[0-9a-f]{64})*$/),
  v.maxLength(64 * leavesPerAnswerMax),
);

/** What may be asked. */
export const askSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("sign"),
    session: hex16,
    request: hex32,
    to: count,
  }),
  v.strictObject({
    kind: v.literal("leaves"),
    session: hex16,
    tree: v.picklist(["input", "output", "logits"]),
    from: count,
    to: count,
    end: count,
  }),
]);

/** A question. */
export type ReceiptAsk = v.InferOutput<typeof askSchema>;

/** What is answered. */
export const answerSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("signed"),
    signed: v.pipe(v.string(), v.maxLength(stageStatementCharactersMax)),
  }),
  v.strictObject({
    kind: v.literal("leaves"),
    from: count,
    count,
    leaves: hexLeaves,
    path: hexLeaves,
  }),
  v.strictObject({
    kind: v.literal("refused"),
    why: v.pipe(v.string(), v.maxLength(whyCharactersMax)),
  }),
]);

/** An answer. */
export type ReceiptAnswer = v.InferOutput<typeof answerSchema>;

/** A frame of JSON. */
export function encodeFrame(value: ReceiptAsk | ReceiptAnswer): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** Reads a frame. @throws {ReceiptError} "malformed" */
export function decodeJsonFrame<S extends v.GenericSchema>(
  schema: S,
  bytes: Uint8Array,
): v.InferOutput<S> {
  return checkedJson(schema, {
    source: bytes,
    lengthMax: meshFrameBytesMax,
    what: "a frame of receipts",
  });
}
