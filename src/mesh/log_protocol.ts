/**
 * `/skep/log/1`: a node asks another how far its journal has come, and for proof that what it knew of
 * it is the beginning of that. One request and one answer on a stream, each a frame of JSON:
 *
 *   request: {"known": [head, ...]}          1..4 heads, all of the node that is asked
 *   answer:  {"head": head, "proofs": [...]}  for each known head the nodes of a consistency proof of
 *            RFC 6962 in hex; null where retention has removed what it takes, or the head is larger
 *
 * A node tells all others of a new head by gossip; the message is the head alone.
 */
import * as v from "valibot";
import { proofNodesMax } from "../journal/mod.ts";
import type { SignedLogHead } from "../journal/mod.ts";
import { hex64 } from "./_forms.ts";
import { logHeadSchema } from "./capabilities.ts";
import { decodeJsonFrame, encodeJsonFrame } from "./json_frame.ts";

/** The protocol's name on the mesh. */
export const logProtocol = "/skep/log/1";

/** Gossip about how far journals have come; each message is its author's own. */
export const logHeadsTopic = "skep/log-heads";

/** Heads of one request, at most. */
export const knownHeadsMax = 4;

/** Bytes of a request or a message of gossip, and of an answer, at most. */
const requestBytesMax = 2048;
const answerBytesMax: number = 2048 + knownHeadsMax * proofNodesMax * 67;

/** What its frames are called. */
const what = "frame about journals";

const requestSchema = v.strictObject({
  known: v.pipe(v.array(logHeadSchema), v.minLength(1), v.maxLength(knownHeadsMax)),
});

const answerSchema = v.strictObject({
  head: logHeadSchema,
  proofs: v.pipe(
    v.array(v.nullable(v.pipe(v.array(hex64), v.maxLength(proofNodesMax)))),
    v.maxLength(knownHeadsMax),
  ),
});

/** An answer; its signature and proofs are unchecked. */
export type LogAnswer = v.InferOutput<typeof answerSchema>;

/** The frame of a request. */
export function logRequestFrame(known: readonly SignedLogHead[]): Uint8Array {
  return encodeJsonFrame({ known: known.slice(0, knownHeadsMax) });
}

/** Reads a request. @throws {MembershipError} "malformed", "too-long" */
export function parseLogRequest(frame: Uint8Array): readonly SignedLogHead[] {
  return decodeJsonFrame(requestSchema, { bytes: frame, bytesMax: requestBytesMax, what }).known;
}

/** The frame of an answer. */
export function logAnswerFrame(answer: LogAnswer): Uint8Array {
  return encodeJsonFrame(answer);
}

/** Reads an answer. @throws {MembershipError} "malformed", "too-long" */
export function parseLogAnswer(frame: Uint8Array): LogAnswer {
  return decodeJsonFrame(answerSchema, { bytes: frame, bytesMax: answerBytesMax, what });
}

/** Reads a message of gossip. @throws {MembershipError} "malformed", "too-long" */
export function parseHeadMessage(bytes: Uint8Array): SignedLogHead {
  return decodeJsonFrame(logHeadSchema, { bytes, bytesMax: requestBytesMax, what });
}
