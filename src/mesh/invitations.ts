/**
 * Open invitations of an issuer: of each ticket's secret only the SHA-256, how far its user will be
 * trusted, and when it expires. Pure: a redemption gives the new list, to be stored before the answer.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { encodeHex } from "../hot/mod.ts";
import type { PeerKey } from "../ports/mod.ts";
import { count, hex64 } from "./_forms.ts";
import { MembershipError } from "./membership_error.ts";
import type { Trust } from "./roster.ts";

/** Invitations that are remembered, used and expired ones included; older ones are forgotten. */
export const invitationsMax = 256;

/** How long a used or expired invitation is remembered, so that its refusal can say why: 30 days. */
const rememberMs = 30 * 86_400_000;

/** How long one who comes too late is told so, rather than not let near: 10 min. */
const lateMs = 600_000;

const invitation = v.strictObject({
  secretHash: hex64,
  trust: v.picklist(["own", "member"]),
  expiresAtMs: count,
  usedBy: v.optional(hex64),
});

/** One invitation. */
export type Invitation = v.InferOutput<typeof invitation>;

/** The form of the list, for reading it back. */
export const invitationsSchema = v.pipe(v.array(invitation), v.maxLength(invitationsMax));

/** What a redemption did. */
export interface Redemption {
  readonly invitations: readonly Invitation[];
  readonly trust: Trust;
  /** Whether the same asker has used it before. */
  readonly isAgain: boolean;
}

/** The list with one more. */
export function addInvitation(
  invitations: readonly Invitation[],
  made: {
    readonly secret: Uint8Array;
    readonly trust: Trust;
    readonly expiresAtMs: number;
    readonly nowMs: number;
  },
): readonly Invitation[] {
  const { secret, trust, expiresAtMs, nowMs } = made;
  const kept = invitations.filter((one) => one.expiresAtMs + rememberMs > nowMs);
  return [...kept, { secretHash: hashOf(secret), trust, expiresAtMs }].slice(-invitationsMax);
}

/**
 * Uses an invitation up. The one who has used it may ask again, as its answer may have been lost.
 *
 * @throws {MembershipError} "invitation-unknown", "invitation-used", "invitation-expired"
 */
export function redeemInvitation(
  invitations: readonly Invitation[],
  asked: { readonly secret: Uint8Array; readonly by: PeerKey; readonly nowMs: number },
): Redemption {
  const { by, nowMs } = asked;
  const secretHash = hashOf(asked.secret);
  const found = invitations.find((one) => one.secretHash === secretHash);
  if (found === undefined) throw refusal("invitation-unknown", "it is of no open invitation");
  if (found.usedBy !== undefined && found.usedBy !== by) {
    throw refusal("invitation-used", "it has been used");
  }
  if (nowMs >= found.expiresAtMs) throw refusal("invitation-expired", "it has expired");
  const used = { ...found, usedBy: by };
  return {
    invitations: invitations.map((one) => one === found ? used : one),
    trust: found.trust,
    isAgain: found.usedBy !== undefined,
  };
}

/** How many can still be used. */
export function openInvitationCount(invitations: readonly Invitation[], nowMs: number): number {
  return invitations.filter((one) => one.usedBy === undefined && nowMs < one.expiresAtMs).length;
}

/**
 * Whether somebody may still come with a ticket that is used or has just expired: to ask again, or to
 * be told why not. So long the door for joining, and nothing else, stays where it is.
 */
export function hasLateInvitation(invitations: readonly Invitation[], nowMs: number): boolean {
  return invitations.some((one) => nowMs < one.expiresAtMs + lateMs);
}

function hashOf(secret: Uint8Array): string {
  return encodeHex(createHash("sha256").update("skep/invitation/v1\0").update(secret).digest());
}

function refusal(code: MembershipError["code"], why: string): MembershipError {
  return new MembershipError({ code, message: `Cannot use the ticket as ${why}` });
}
