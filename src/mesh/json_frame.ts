/**
 * Frames of JSON, as hello, join and the conversation about journals have them, and the refusal of a
 * frame of any protocol of the mesh. Nothing is decoded before its length is known to be allowed.
 */
import * as v from "valibot";
import { MembershipError } from "./membership_error.ts";
import type { RefusalCode } from "./membership_error.ts";

/** A value as JSON in UTF-8. */
export function encodeJsonFrame(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/** A frame whose first byte tells what the rest is. */
export function kindFrame(kind: number, rest: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + rest.length);
  frame[0] = kind;
  frame.set(rest, 1);
  return frame;
}

/**
 * Reads JSON of a schema.
 *
 * @throws {MembershipError} "malformed", naming the member; "too-long"
 */
export function decodeJsonFrame<T>(
  schema: v.GenericSchema<unknown, T>,
  frame: {
    readonly bytes: Uint8Array;
    readonly bytesMax: number;
    /** Of what it is, for the sentence: "frame of hello". */
    readonly what: string;
    /** Whether a secret may be in it: then the sentence tells nothing of what is there. */
    readonly isSecret?: boolean;
  },
): T {
  const { bytes, bytesMax, what, isSecret = false } = frame;
  if (bytes.length > bytesMax) {
    const why = `it may have at most ${bytesMax} bytes: current value is ${bytes.length}`;
    throw frameRefusal({ what, code: "too-long", why });
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw frameRefusal({ what, why: "it is no JSON" });
  }
  const checked = v.safeParse(schema, value);
  if (checked.success) return checked.output;
  throw frameRefusal({
    what,
    why: isSecret ? "it has not the form of one" : issueText(checked.issues),
  });
}

/** What is wrong with a value, and where: the first of a schema's issues. */
export function issueText(issues: readonly [v.BaseIssue<unknown>, ...unknown[]]): string {
  const [issue] = issues;
  const path = v.getDotPath(issue);
  return path === null ? issue.message : `"${path}": ${issue.message}`;
}

/** Why a frame is not taken; `code` is "malformed" unless it says otherwise. */
export function frameRefusal(
  { what, code = "malformed", why, cause }: {
    readonly what: string;
    readonly code?: RefusalCode;
    readonly why: string;
    readonly cause?: unknown;
  },
): MembershipError {
  return new MembershipError({ code, message: `Cannot take a ${what} as ${why}`, cause });
}
