/**
 * The protocol `/skep/receipt/2`: a requester asks a stage to sign for a session that it opened
 * there, or for leaves that the stage keeps. A frame each way, JSON; docs/RECEIPTS.md.
 */
import * as v from "valibot";
import { ReceiptError } from "./errors.ts";
import { stageStatementCharactersMax } from "./stage_statement.ts";
import { leavesPerAnswerMax } from "./witness.ts";

/** The protocol's name. */
export const receiptProtocol = "/skep/receipt/2";

/** Longest question, in bytes. */
export const askBytesMax = 1024;

const position = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 24));
const session = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));
const hexLeaves = v.pipe(
  v.string(),
  v.regex(/^(?:[0-9a-f]{64})*$/),
  v.maxLength(64 * leavesPerAnswerMax),
);

/** What may be asked. */
export const askSchema = v.variant("kind", [
  v.strictObject({
    kind: v.literal("sign"),
    session,
    request: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    to: position,
  }),
  v.strictObject({
    kind: v.literal("leaves"),
    session,
    tree: v.picklist(["input", "output", "logits"]),
    from: position,
    to: position,
    end: position,
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
    from: position,
    count: position,
    leaves: hexLeaves,
    path: hexLeaves,
  }),
  v.strictObject({ kind: v.literal("refused"), why: v.pipe(v.string(), v.maxLength(512)) }),
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
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new ReceiptError({
      code: "malformed",
      message: "Cannot read a frame of receipts as it is no JSON",
      cause,
    });
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const where = v.getDotPath(result.issues[0]) ?? "the whole";
  throw new ReceiptError({
    code: "malformed",
    message: `Cannot read a frame of receipts as ${where} is wrong`,
  });
}
