/** JSON that somebody else has written, read by a schema: receipts, transcripts, statements, frames. */
import * as v from "valibot";
import { ReceiptError } from "./errors.ts";

/**
 * Reads JSON of a schema, given as text or as its UTF-8 bytes.
 *
 * @param from `lengthMax` in characters of a text, or bytes; `what` it is, for the sentence
 * @throws {ReceiptError} "malformed", naming the member
 */
export function checkedJson<S extends v.GenericSchema>(
  schema: S,
  from: {
    readonly source: string | Uint8Array;
    readonly lengthMax: number;
    readonly what: string;
  },
): v.InferOutput<S> {
  const { source, lengthMax, what } = from;
  if (source.length > lengthMax) {
    const unit = typeof source === "string" ? "characters" : "bytes";
    throw malformed(
      what,
      `it must have at most ${lengthMax} ${unit}: current value is ${source.length}`,
    );
  }
  let value: unknown;
  try {
    const text = typeof source === "string"
      ? source
      : new TextDecoder("utf-8", { fatal: true }).decode(source);
    value = JSON.parse(text);
  } catch (cause) {
    throw malformed(what, "it is no JSON", cause);
  }
  const result = v.safeParse(schema, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw malformed(what, `${v.getDotPath(issue) ?? "the whole"} is wrong: ${issue.message}`);
}

/** Why something is not read. */
export function malformed(what: string, why: string, cause?: unknown): ReceiptError {
  return new ReceiptError({ code: "malformed", message: `Cannot read ${what} as ${why}`, cause });
}
