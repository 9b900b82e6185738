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
import { logHeadSchema } from "./capabilities.ts";
import { MembershipError } from "./membership_error.ts";

/** The protocol's name on the mesh. */
export const logProtocol = "/skep/log/1";

/** Gossip about how far journals have come; each message is its author's own. */
export const logHeadsTopic = "skep/log-heads";

/** Heads of one request, at most. */
export const knownHeadsMax = 4;

/** Bytes of a request or a message of gossip, and of an answer, at most. */
const requestBytesMax = 2048;
const answerBytesMax: number = 2048 + knownHeadsMax * proofNodesMax * 67;

const hex64 = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/));

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
  return encode({ known: known.slice(0, knownHeadsMax) });
}

/** Reads a request. @throws {MembershipError} "malformed", "too-long" */
export function parseLogRequest(frame: Uint8Array): readonly SignedLogHead[] {
  return decode(requestSchema, { bytes: frame, bytesMax: requestBytesMax }).known;
}

/** The frame of an answer. */
export function logAnswerFrame(answer: LogAnswer): Uint8Array {
  return encode(answer);
}

/** Reads an answer. @throws {MembershipError} "malformed", "too-long" */
export function parseLogAnswer(frame: Uint8Array): LogAnswer {
  return decode(answerSchema, { bytes: frame, bytesMax: answerBytesMax });
}

/** Reads a message of gossip. @throws {MembershipError} "malformed", "too-long" */
export function parseHeadMessage(bytes: Uint8Array): SignedLogHead {
  return decode(logHeadSchema, { bytes, bytesMax: requestBytesMax });
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

function decode<T>(
  schema: v.GenericSchema<unknown, T>,
  { bytes, bytesMax }: { readonly bytes: Uint8Array; readonly bytesMax: number },
): T {
  if (bytes.length > bytesMax) {
    throw new MembershipError({
      code: "too-long",
      message: `Cannot take a frame about journals as it has ${bytes.length} bytes`,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw malformed("it is no JSON");
  }
  const checked = v.safeParse(schema, value);
  if (checked.success) return checked.output;
  const [issue] = checked.issues;
  throw malformed(`"${v.getDotPath(issue) ?? ""}": ${issue.message}`);
}

function malformed(why: string): MembershipError {
  return new MembershipError({
    code: "malformed",
    message: `Cannot take a frame about journals as ${why}`,
  });
}
