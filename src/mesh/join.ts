/**
 * Join, `/skep/join/1`: a ticket's secret against a place in the roster. The link's handshake has
 * proven to each side whose key the other has, so the secret goes to the issuer alone.
 *
 * One frame each way: the asker's JSON, then a frame that begins with 1 and goes on with the signed
 * roster, or begins with 0 and goes on with JSON that says why not.
 */
import * as v from "valibot";
import { decodeHex, encodeHex } from "../hot/mod.ts";
import { hex64 } from "./_forms.ts";
import { decodeJsonFrame, encodeJsonFrame, frameRefusal, kindFrame } from "./json_frame.ts";
import { MembershipError, refusalCodes } from "./membership_error.ts";
import { rosterBytesMax } from "./roster.ts";

/** The protocol's name on the mesh. */
export const joinProtocol = "/skep/join/1";

/** What its frames are called. */
const what = "frame of join";

const requestBytesMax = 512;
const refusalBytesMax = 2048;

const requestSchema = v.strictObject({ secret: hex64 });

const refusalSchema = v.strictObject({
  code: v.picklist(refusalCodes),
  sentence: v.pipe(v.string(), v.maxLength(400)),
});

/** The asker's frame. */
export function joinRequestFrame(secret: Uint8Array): Uint8Array {
  return encodeJsonFrame({ secret: encodeHex(secret) });
}

/** The secret that is asked with. @throws {MembershipError} "malformed", "too-long" */
export function parseJoinRequest(frame: Uint8Array): Uint8Array {
  const request = { bytes: frame, bytesMax: requestBytesMax, what, isSecret: true };
  return decodeHex(decodeJsonFrame(requestSchema, request).secret);
}

/** The answer that lets in. */
export function joinAcceptedFrame(signedRoster: Uint8Array): Uint8Array {
  return kindFrame(1, signedRoster);
}

/** The answer that does not. */
export function joinRefusedFrame(error: MembershipError): Uint8Array {
  const { code, message } = error;
  return kindFrame(0, encodeJsonFrame({ code, sentence: message.slice(0, 400).toWellFormed() }));
}

/**
 * The signed roster of an answer, still to be verified.
 *
 * @throws {MembershipError} the issuer's refusal, or "malformed", "too-long"
 */
export function parseJoinAnswer(frame: Uint8Array): Uint8Array {
  const rest = frame.subarray(1);
  if (frame[0] === 1) {
    if (rest.length <= rosterBytesMax) return rest;
    throw frameRefusal({ what, code: "too-long", why: "its roster is too long" });
  }
  if (frame[0] !== 0) throw frameRefusal({ what, why: "it is no answer" });
  const refused = { bytes: rest, bytesMax: refusalBytesMax, what };
  const { code, sentence } = decodeJsonFrame(refusalSchema, refused);
  throw new MembershipError({ code, message: sentence });
}
