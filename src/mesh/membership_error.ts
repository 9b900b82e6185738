/** The mesh's refusals: each has a name, which is counted, and a sentence, which the peer may see. */

/** Why something of a peer was refused; docs and metrics use these names. */
export const refusalCodes = [
  /** It is no frame or document of the protocol. */
  "malformed",
  "too-long",
  /** A signature that is not the key's, for this purpose and these bytes. */
  "signature",
  /** A roster that is not newer, or another one with the same version. */
  "stale-roster",
  "roster-fork",
  "ticket-malformed",
  "ticket-cut",
  "invitation-unknown",
  "invitation-expired",
  "invitation-used",
  "wrong-sender",
  "wrong-receiver",
  /** A hello that answers another question: a replayed one. */
  "replayed",
  "clock-skew",
  "version",
  "wrong-mesh",
  /** Not in the roster: never, or not any more. */
  "stranger",
  "evicted",
  "duplicate-key",
  "hello-timeout",
  /** It was asked for too much. */
  "flood",
] as const;

/** Why something of a peer was refused. */
export type RefusalCode = typeof refusalCodes[number];

/** A refusal. */
export class MembershipError extends Error {
  override readonly name = "MembershipError";
  /** The kind of refusal. */
  readonly code: RefusalCode;

  /** @param options `message` is one sentence that a peer may see */
  constructor(options: { code: RefusalCode; message: string; cause?: unknown }) {
    super(options.message, { cause: options.cause });
    this.code = options.code;
  }
}
