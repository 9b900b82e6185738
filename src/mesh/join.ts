/**
 * Join, `/skep/join/1`: a ticket's secret against a place in the roster. The link's handshake has
 * proven to each side whose key the other has, so the secret goes to the issuer alone.
 *
 * One frame each way: the asker's JSON, then a frame that begins with 1 and goes on with the signed
 * roster, or begins with 0 and goes on with JSON that says why not.
 */
import * as v from "valibot";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { MembershipError, refusalCodes } from "./membership_error.ts";
import { rosterBytesMax } from "./roster.ts";

/** The protocol's name on the mesh. */
export const joinProtocol = "/skep/join/1";

const requestBytesMax = 512;
const refusalBytesMax = 2048;

const requestSchema = v.strictObject({
  secret: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
});

const refusalSchema = v.strictObject({
  code: v.picklist(refusalCodes),
  sentence: v.pipe(v.string(), v.maxLength(400)),
});

/** The asker's frame. */
export function joinRequestFrame(secret: Uint8Array): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ secret: encodeHex(secret) }));
}

/** The secret that is asked with. @throws {MembershipError} "malformed", "too-long" */
export function parseJoinRequest(frame: Uint8Array): Uint8Array {
  return decodeHex(readJson(requestSchema, { bytes: frame, bytesMax: requestBytesMax }).secret);
}

/** The answer that lets in. */
export function joinAcceptedFrame(signedRoster: Uint8Array): Uint8Array {
  const frame = new Uint8Array(1 + signedRoster.length);
  frame[0] = 1;
  frame.set(signedRoster, 1);
  return frame;
}

/** The answer that does not. */
export function joinRefusedFrame(error: MembershipError): Uint8Array {
  const { code, message } = error;
  const text = new TextEncoder().encode(
    JSON.stringify({ code, sentence: message.slice(0, 400).toWellFormed() }),
  );
  const frame = new Uint8Array(1 + text.length);
  frame.set(text, 1);
  return frame;
}

/**
 * The signed roster of an answer, still to be verified.
 *
 * @throws {MembershipError} the issuer's refusal, or "malformed", "too-long"
 */
export function parseJoinAnswer(frame: Uint8Array): Uint8Array {
  const rest = frame.subarray(1);
  if (frame[0] === 1) {
    if (rest.length > rosterBytesMax) throw failure("too-long", "its roster is too long");
    return rest;
  }
  if (frame[0] !== 0) throw failure("malformed", "it is no answer");
  const { code, sentence } = readJson(refusalSchema, { bytes: rest, bytesMax: refusalBytesMax });
  throw new MembershipError({ code, message: sentence });
}

function readJson<T>(
  schema: v.GenericSchema<unknown, T>,
  about: { readonly bytes: Uint8Array; readonly bytesMax: number },
): T {
  const { bytes, bytesMax } = about;
  if (bytes.length > bytesMax) throw failure("too-long", `it has ${bytes.length} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw failure("malformed", "it is no JSON");
  }
  const checked = v.safeParse(schema, value);
  if (checked.success) return checked.output;
  throw failure("malformed", "it has not the form of one");
}

function failure(code: MembershipError["code"], why: string): MembershipError {
  return new MembershipError({ code, message: `Cannot take a frame of join as ${why}` });
}
