/** Who computed an answer, as `generate` tells it. */
import * as v from "valibot";

/** A stage of a pipeline. */
const stage = v.object({
  peer: v.pipe(v.string(), v.description("Its key, 64 hex digits.")),
  from: v.number(),
  to: v.pipe(v.number(), v.description("The layer after its last.")),
});

/** The stages at the end of an answer, where the model is spread over nodes. */
export const routeSchema = v.pipe(
  v.array(stage),
  v.readonly(),
  v.description("Who computed which layers at the end, where the model is spread over nodes."),
);

/** The id of an answer's receipt. */
export const receiptIdSchema = v.pipe(
  v.string(),
  v.description("The id that the answer's receipt is going to have, where it gets one."),
);

const peerKey = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/, "it must be 64 hexadecimal digits"));
const position = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 24));
const leafDigits = v.pipe(v.string(), v.regex(/^(?:[0-9a-f]{64})*$/));

/** Which leaves are asked for: at most 4096 of a tree that a stage has signed for. */
export const receiptLeavesParams = v.strictObject({
  /** Public key of the stage. */
  stage: peerKey,
  /** Id of the session, as the receipt has it. */
  session: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/, "it must be 32 hexadecimal digits")),
  tree: v.picklist(["input", "output", "logits"]),
  /** Positions. */
  from: position,
  to: position,
  /** The position after the last one that was signed for. */
  end: position,
});

/** Leaves with what shows the first of them to be in the tree. */
export const receiptLeavesSchema = v.object({
  /** Position of the first leaf. */
  from: position,
  /** Leaves of the tree. */
  count: position,
  /** 64 hexadecimal digits each. */
  leaves: leafDigits,
  /** Audit path of the first leaf (RFC 6962 section 2.1.1). */
  path: leafDigits,
});

/** Parameters of `receipts.leaves`. */
export type ReceiptLeavesParams = Readonly<v.InferOutput<typeof receiptLeavesParams>>;

/** What `receipts.leaves` answers. */
export type ReceiptLeaves = Readonly<v.InferOutput<typeof receiptLeavesSchema>>;
