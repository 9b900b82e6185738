/**
 * What the requester keeps of an answer: its tokens, what it was held to, and the salt that binds
 * them to the receipt's commitments. Without the salt nobody can guess a short prompt from its
 * commitment.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { canonicalJson } from "../journal/mod.ts";
import { checkedJson } from "./_checked_json.ts";
import { hex32 } from "./_forms.ts";
import { ReceiptError } from "./errors.ts";
import { receiptBytesMax } from "./receipt.ts";
import type { RequestStatement } from "./statement.ts";

/** Bytes of a salt. */
export const saltBytes = 32;

const tokens = v.pipe(
  v.custom<number[]>(
    (value) =>
      Array.isArray(value) && value.length <= 2 ** 24 &&
      value.every((token) => Number.isSafeInteger(token) && token >= 0 && token < 2 ** 32),
    "it must be an array of token ids",
  ),
);

/** The schema of a transcript's file. */
export const transcriptSchema = v.strictObject({
  kind: v.literal("skep-transcript/1"),
  salt: hex32,
  promptTokens: tokens,
  outputTokens: tokens,
  /** What the answer was held to: a format, tools that may be called, stop strings; JSON. */
  constraint: v.optional(v.unknown(), null),
});

/** A transcript. */
export type Transcript = Readonly<v.InferOutput<typeof transcriptSchema>>;

/** Reads a transcript's text. @throws {ReceiptError} "malformed" */
export function parseTranscript(text: string): Transcript {
  return checkedJson(transcriptSchema, {
    source: text,
    lengthMax: receiptBytesMax,
    what: "the transcript",
  });
}

/** The three commitments of a transcript, hexadecimal. */
export function commitmentsOf(
  { salt, promptTokens, outputTokens, constraint }: Transcript,
): Pick<
  RequestStatement,
  "promptCommitment" | "outputCommitment" | "constraintCommitment"
> {
  const text = new TextEncoder().encode(canonicalJson(constraint ?? null));
  return {
    promptCommitment: commit(salt, "prompt", wordsOf(promptTokens)),
    outputCommitment: commit(salt, "output", wordsOf(outputTokens)),
    constraintCommitment: commit(salt, "constraint", text),
  };
}

/** Checks that a transcript is the receipt's. @throws {ReceiptError} "mismatch", naming the part */
export function checkTranscript(transcript: Transcript, request: RequestStatement): void {
  for (const [name, digest] of Object.entries(commitmentsOf(transcript))) {
    if (digest === request[name as "promptCommitment"]) continue;
    const message =
      `Cannot check the receipt by this transcript as the ${name.replace("Commitment", "")} ` +
      "is another than the requester signed for";
    throw new ReceiptError({ code: "mismatch", message });
  }
  const { promptTokens, outputTokens } = transcript;
  const counts = promptTokens.length === request.promptTokens &&
    outputTokens.length === request.outputTokens;
  if (counts) return;
  const message = "Cannot check the receipt by this transcript as it has another count of tokens";
  throw new ReceiptError({ code: "mismatch", message });
}

/** The salt comes first, in a block that an attacker does not choose; the name tells the three apart. */
function commit(salt: string, name: string, bytes: Uint8Array): string {
  const hash = createHash("sha256").update(decodeHex(salt)).update(`${name}\0`).update(bytes);
  return encodeHex(hash.digest());
}

function wordsOf(ids: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(4 * ids.length);
  const view = new DataView(bytes.buffer);
  ids.forEach((id, i) => view.setUint32(4 * i, id, true));
  return bytes;
}
