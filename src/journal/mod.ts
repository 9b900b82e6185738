/**
 * The signed, hash-chained log of a node, and its reader for when the node is stopped. Format and
 * guarantees: docs/JOURNAL.md.
 *
 * @example
 * ```ts
 * const journal = await openJournal({ disk, clock, identity, directory: "/var/lib/skep/journal" });
 * await journal.append({ chi: "chat.done", rid: "r-1", body: { tokens: 12 } });
 * for await (const event of journal.range({ from: 1 })) console.log(event.seq, event.chi);
 * await journal.close();
 * ```
 *
 * @module
 */
export { openJournal } from "./journal.ts";
export type {
  Journal,
  JournalCounters,
  JournalFsync,
  JournalOptions,
  JournalStatus,
} from "./journal_types.ts";
export type { JournalRetention } from "./_retention.ts";
export type { ProofRequest } from "./_prover.ts";
export { lineBytesDefault, readJournal } from "./reader.ts";
export type { JournalReader, JournalSummary, RangeOptions, ReaderOptions } from "./reader.ts";
export type { EventDraft, JournalEvent } from "./event.ts";
export type {
  VerifiedAuthor,
  VerifyCode,
  VerifyOptions,
  VerifyProblem,
  VerifyReport,
} from "./verify.ts";
export { JournalError } from "./errors.ts";
export type { JournalErrorCode } from "./errors.ts";

export { headPurpose, isHeadOf } from "./log_head.ts";
export { HeadKeeper, keptHeadFile, parseKeptHead, readKeptHead } from "./kept_head.ts";
export type { HeadKeeperOptions, KeptHead } from "./kept_head.ts";
export type { LogHead, SignedLogHead } from "./log_head.ts";

// --- the tree of RFC 6962, for whoever makes or checks proofs ---
export { isSameBytes, leafHash, nodeHash, splitOf, TreeEdge, treeHashBytes } from "./merkle.ts";
export type { LeafRange } from "./merkle.ts";
export { isConsistent, isIncluded, proofNodesMax } from "./tree_proofs.ts";
export type { ConsistencyClaim, InclusionClaim } from "./tree_proofs.ts";

// --- for other areas that sign or hash JSON ---
export { canonicalBytes, canonicalJson } from "./canonical_json.ts";
export type { CanonicalOptions, JsonValue } from "./canonical_json.ts";
