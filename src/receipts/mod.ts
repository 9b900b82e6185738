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
export {
  bytesOfHex,
  hexOf,
  openRequestStatement,
  openStageStatement,
  requestStatementBytesMax,
  signedStatement,
  signStatement,
  stageStatementBytesMax,
} from "./statement.ts";
export type { RequestStatement, SignedStatement, StageStatement } from "./statement.ts";
export {
  openReceipt,
  parseReceipt,
  positionsOf,
  receiptBytesMax,
  receiptSchema,
  statementDigest,
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
