/**
 * Receipts: who computed an answer, signed, and the check of it by computing it once more.
 *
 * A library: it holds no files and talks to nobody. Format: docs/RECEIPTS.md.
 *
 * @module
 */
export { ReceiptError } from "./errors.ts";
export type { ReceiptErrorCode } from "./errors.ts";
export { isInTree, leafBytes, LeafTree } from "./leaf_tree.ts";
export type { LeafProof } from "./leaf_tree.ts";
export type { StatementSigner } from "./signing.ts";
export { openingDigest } from "./opening.ts";
export type { Opening } from "./opening.ts";
export {
  openStageStatement,
  signStageStatement,
  stagesDigest,
  stageStatementBytesMax,
} from "./stage_statement.ts";
export type { Span, StageStatement } from "./stage_statement.ts";
export { openRequestStatement, requestStatementBytesMax, signStatement } from "./statement.ts";
export type { RequestStatement, SignedStatement } from "./statement.ts";
export {
  openReceipt,
  parseReceipt,
  positionsOf,
  receiptBytesMax,
  receiptSchema,
} from "./receipt.ts";
export type { OpenReceipt, Receipt } from "./receipt.ts";
export {
  checkTranscript,
  commitmentsOf,
  parseTranscript,
  saltBytes,
  transcriptSchema,
} from "./transcript.ts";
export type { Transcript } from "./transcript.ts";
export { recompute } from "./recompute.ts";
export type { RecomputeOptions, StageTruth, Truth } from "./recompute.ts";
export { judge, sentenceOf } from "./judge.ts";
export type { Finding, LeavesOf, TreeName, Verdict } from "./judge.ts";

// --- for who computes, and who asks ---
export { ReceiptWitness } from "./witness.ts";
export type { KeptLeaves, LeavesAsk, SignAsk, WitnessOptions } from "./witness.ts";
export type { RecordedOpen, RecordedPlace, RecordedRows } from "./session_record.ts";
export { receiptProtocol } from "./receipt_frames.ts";
export { serveReceipts } from "./receipt_server.ts";
export type { ReceiptServerOptions } from "./receipt_server.ts";
export { askStage, collectReceipt } from "./collect.ts";
export type { AnswerFacts, CollectOptions } from "./collect.ts";
export { AnswerLease } from "./lease.ts";
export type { AnswerLeaseOptions, AnswerPlace } from "./lease.ts";
export { leafDirectory, LeafStore } from "./leaf_store.ts";
export type { LeafStoreCounters, LeafStoreOptions } from "./leaf_store.ts";
export { receiptDirectory, ReceiptStore } from "./receipt_store.ts";
export type { ListedReceipt, ReceiptStoreOptions, StoredReceipt } from "./receipt_store.ts";
