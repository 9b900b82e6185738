/**
 * Hello, `/skep/hello/1`: how two members show each other who they are, before anything else.
 *
 * Both send a greeting with a fresh nonce and the versions that they speak; then each signs the whole
 * of what it says, naming the other's key and the nonce that the other has just sent, so that no hello
 * fits another receiver or another moment. Each answers with a verdict. The stream then goes on as
 * the registry's (registry_frames.ts). Frames begin with a byte that tells their kind:
 *
 *   1: greeting, JSON | 2: hello, a signed document | 3: verdict, JSON
 */
import * as v from "valibot";
import type { PeerKey } from "../ports/mod.ts";
import { count, hex64 } from "./_forms.ts";
import { capabilitiesBytesMax } from "./capabilities.ts";
import { cardEntries } from "./card.ts";
import { decodeJsonFrame, encodeJsonFrame, frameRefusal, kindFrame } from "./json_frame.ts";
import { MembershipError, refusalCodes } from "./membership_error.ts";
import { openSigned, sealSigned } from "./signed.ts";
import type { SignedKind, Signer } from "./signed.ts";

/** The protocol's name on the mesh. */
export const helloProtocol = "/skep/hello/1";

/** Versions of the mesh's conversation that this release speaks, its own last: two adjacent ones. */
export const conversationVersions: readonly number[] = [1];

/** How far two clocks may differ, in milliseconds. */
export const clockSkewMsMax = 60_000;

/** Bytes of a greeting or a verdict, at most. */
const smallFrameBytesMax = 2048;

/** What its frames are called. */
const what = "frame of hello";

const kinds = { greeting: 1, hello: 2, verdict: 3 } as const;

const greetingSchema = v.strictObject({
  versions: v.pipe(v.array(v.pipe(count, v.maxValue(65_535))), v.minLength(1), v.maxLength(8)),
  nonce: hex64,
});

/** What is said first, unsigned. */
export type Greeting = v.InferOutput<typeof greetingSchema>;

const helloSchema = v.strictObject({
  ...cardEntries,
  version: count,
  to: hex64,
  nonce: hex64,
  mesh: hex64,
  signedAtMs: count,
  rosterVersion: count,
});

/** What a node says of itself and signs; `key` is its own. */
export type Hello = v.InferOutput<typeof helloSchema>;

const verdictSchema = v.variant("ok", [
  v.strictObject({ ok: v.literal(true) }),
  v.strictObject({
    ok: v.literal(false),
    code: v.picklist(refusalCodes),
    sentence: v.pipe(v.string(), v.maxLength(400)),
  }),
]);

/** The other's answer. */
export type Verdict = v.InferOutput<typeof verdictSchema>;

const helloKind: SignedKind<Hello> = {
  purpose: "hello",
  bytesMax: capabilitiesBytesMax + 8192,
  schema: helloSchema as v.GenericSchema<unknown, Hello>,
};

/** A frame of hello. */
export type HelloFrame =
  | { readonly kind: "greeting"; readonly greeting: Greeting }
  | { readonly kind: "hello"; readonly bytes: Uint8Array }
  | { readonly kind: "verdict"; readonly verdict: Verdict };

/** What a hello must fit. */
export interface HelloExpectation {
  /** The key that the transport has proven. */
  readonly from: PeerKey;
  readonly to: PeerKey;
  /** What was sent to the other, just now. */
  readonly nonce: string;
  readonly mesh: PeerKey;
  readonly version: number;
  readonly nowMs: number;
}

/** The frame of a greeting. */
export function greetingFrame(greeting: Greeting): Uint8Array {
  return kindFrame(kinds.greeting, encodeJsonFrame(greeting));
}

/** The frame of a verdict. */
export function verdictFrame(verdict: Verdict): Uint8Array {
  return kindFrame(kinds.verdict, encodeJsonFrame(verdict));
}

/** The frame of a hello, signed. */
export async function helloFrame(hello: Hello, sign: Signer): Promise<Uint8Array> {
  return kindFrame(kinds.hello, await sealSigned(helloKind, { value: hello, sign }));
}

/** Reads a frame; a hello stays unverified. @throws {MembershipError} "malformed", "too-long" */
export function parseHelloFrame(frame: Uint8Array): HelloFrame {
  const rest = frame.subarray(1);
  const small = { bytes: rest, bytesMax: smallFrameBytesMax, what };
  switch (frame[0]) {
    case kinds.greeting:
      return { kind: "greeting", greeting: decodeJsonFrame(greetingSchema, small) };
    case kinds.hello:
      if (rest.length <= helloKind.bytesMax) return { kind: "hello", bytes: rest };
      throw frameRefusal({ what, code: "too-long", why: `it has ${frame.length} bytes` });
    case kinds.verdict:
      return { kind: "verdict", verdict: decodeJsonFrame(verdictSchema, small) };
    default:
      throw frameRefusal({ what, why: "it is neither a greeting nor a hello nor a verdict" });
  }
}

/**
 * The version that two nodes speak: the highest that both have.
 *
 * @throws {MembershipError} "version" when there is none
 */
export function commonVersion(ours: readonly number[], theirs: readonly number[]): number {
  const common = ours.filter((version) => theirs.includes(version));
  if (common.length > 0) return Math.max(...common);
  throw new MembershipError({
    code: "version",
    message: `Cannot talk as one node speaks versions ${list(ours)} of the mesh and the other ` +
      `${list(theirs)}: upgrade the older one`,
  });
}

/**
 * Verifies a hello.
 *
 * @throws {MembershipError} "signature", "malformed", "wrong-sender", "wrong-receiver", "replayed",
 * "wrong-mesh", "version", "clock-skew"
 */
export function openHello(bytes: Uint8Array, expected: HelloExpectation): Hello {
  const hello = openSigned(helloKind, { bytes, key: expected.from });
  const rules: readonly (readonly [boolean, MembershipError["code"], string])[] = [
    [hello.key === expected.from, "wrong-sender", "it names another sender than the link's"],
    [hello.to === expected.to, "wrong-receiver", "it is for another node"],
    [hello.nonce === expected.nonce, "replayed", "it answers another greeting"],
    [hello.mesh === expected.mesh, "wrong-mesh", "it is of another mesh"],
    [hello.version === expected.version, "version", "it is of another version than agreed"],
  ];
  for (const [holds, code, why] of rules) {
    if (!holds) throw new MembershipError({ code, message: `Cannot accept a hello as ${why}` });
  }
  const skewMs = Math.abs(expected.nowMs - hello.signedAtMs);
  if (skewMs <= clockSkewMsMax) return hello;
  throw new MembershipError({
    code: "clock-skew",
    message: `Cannot accept a hello as the clocks differ by ${
      Math.round(skewMs / 1000)
    } s, and may by ${clockSkewMsMax / 1000} s: set the time`,
  });
}

function list(versions: readonly number[]): string {
  return versions.join(" and ");
}
