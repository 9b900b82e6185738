/**
 * Reading the node's signed log, at journal/rpc.sock.
 *
 * @module
 */
export { createJournalService } from "./service.ts";
export type { ReadableJournal } from "./service.ts";
export { journalContract, journalStatus } from "./contract.ts";
export type { JournalStatusAnswer } from "./contract.ts";
